import type { Finding } from '../../deploy/preflight/engine.ts';
import { judgeHost } from '../../deploy/preflight/preflight.ts';
import { probeHost } from '../../host/probe/probe.ts';
import { exitCodes } from '../../kernel/run.ts';
import { openTarget, resolveModels } from '../../operations/deploy/open.ts';
import type { CommandContext } from '../context.ts';

const marks = { ok: '✓', warning: '!', error: '✗' } as const;

export async function execute(context: CommandContext, targetName: string | undefined): Promise<number> {
  await using open = await openTarget(context, targetName);
  const { config, target, hosts } = open;
  const [models, facts] = await Promise.all([
    resolveModels(open, {}),
    Promise.all(hosts.map((host) => probeHost(host))),
  ]);
  const judged = models.flatMap((record, index) => {
    const known = facts[index];
    if (known === undefined) return [];
    const database = config.backup?.service;
    const findings = judgeHost({ facts: known, record, fleet: models, config: config.services, database });
    return [{ host: record.host.name, findings }];
  });
  const errors = judged
    .flatMap((verdict) => verdict.findings)
    .filter((finding) => finding.level === 'error').length;
  const ok = errors === 0;
  const headline = ok
    ? `${target.name} is ready for a deploy`
    : `${target.name} is not ready: ${errors} ${errors === 1 ? 'problem' : 'problems'} to fix`;
  const lines = judged.flatMap((verdict) => ['', verdict.host, ...verdict.findings.flatMap(findingLines)]);
  context.effects.print(
    context.json ? JSON.stringify({ ok, hosts: judged }) : [headline, ...lines].join('\n'),
  );
  return ok ? exitCodes.ok : exitCodes.failed;
}

function findingLines({ level, topic, message, fix }: Finding): string[] {
  return [
    `  ${marks[level]} ${topic.padEnd(12)} ${message}`,
    ...(fix === undefined ? [] : [`    ${' '.repeat(12)} → ${fix}`]),
  ];
}
