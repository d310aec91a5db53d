import { join } from 'node:path';
import { z } from 'zod';
import type { CheckSettings } from '../../../config/model.ts';
import { quoteWord } from '../../../kernel/quote.ts';
import { pypiTool } from '../../environments/python-tool.ts';
import type { CheckOutput, Finding } from '../../model.ts';
import type { CheckContext, PlannedCheck, Tool } from '../../tool.ts';
import { jsonAnswer, sentence } from '../answer.ts';
import { skipsTrivy } from '../node/npm-audit.ts';
import { lineOfPackage, namesPackages } from '../scan/lock-files.ts';

const environment = pypiTool('pip-audit', '2.10.1');

const shape = z.object({
  dependencies: z.array(
    z.object({
      name: z.string(),
      version: z.string().optional(),
      skip_reason: z.string().optional(),
      vulns: z
        .array(
          z.object({
            id: z.string(),
            aliases: z.array(z.string()).optional(),
            fix_versions: z.array(z.string()),
            description: z.string(),
          }),
        )
        .optional(),
    }),
  ),
});
type PipAudit = z.infer<typeof shape>;

/** Replaces Trivy with the advisories of OSV if sluice.yml skips Trivy: for requirements with exact versions. */
export const pipAudit: Tool = {
  name: 'pip-audit',
  category: 'scan',
  plan(repo, settings) {
    if (!skipsTrivy(settings)) return [];
    const files = repo.files.filter(
      (path) =>
        path.endsWith('.txt') && /requirements/.test(path) && namesPackages(path, repo.read(path) ?? ''),
    );
    return files.map(
      (file): PlannedCheck => ({
        id: files.length === 1 ? 'pip-audit' : `pip-audit ${file}`,
        tool: 'pip-audit',
        category: 'scan',
        folder: '',
        why: `found ${file}, and sluice.yml skips trivy`,
        command: `pip-audit --strict --vulnerability-service osv -r ${quoteWord(file)}`,
        needs: [environment],
        cost: { cores: 1, memory: 200 * 1024 * 1024, seconds: 5 },
        timeoutMs: settings.timeoutMs,
        run: (context) => audit(context, file),
      }),
    );
  },
};

async function audit(context: CheckContext, file: string): Promise<CheckOutput> {
  // Without --strict, a failed lookup counts as free of vulnerabilities.
  const flags = [
    '--strict',
    '--vulnerability-service',
    'osv',
    '--no-deps',
    '--disable-pip',
    '--format',
    'json',
  ];
  const program = join(context.prepared(environment).scripts, 'pip-audit');
  const url = context.env['SLUICE_OSV_URL'];
  const service = url === undefined || url === '' ? [] : ['--osv-url', url];
  const run = await context.spawn([program, ...flags, ...service, '--requirement', file], { quiet: true });
  const count = ({ dependencies }: PipAudit) => dependencies.flatMap(({ vulns }) => vulns ?? []).length;
  const answer = jsonAnswer(run, { name: 'pip-audit', codes: [0, 1], findingsCode: 1, shape, count });
  if ('notRun' in answer) return answer.notRun;
  const skipped = answer.said.dependencies.find(({ skip_reason }) => skip_reason !== undefined);
  if (skipped !== undefined) return { ran: false, why: `pip-audit could not look up ${skipped.name}` };
  const text = context.repo.read(file) ?? '';
  const findings = pipFindings(answer.said, file, context.settings.scan, (name) => lineOfPackage(text, name));
  return { ran: true, findings, version: '2.10.1' };
}

/** pip-audit reports no severities, so each counts as high. */
export function pipFindings(
  { dependencies }: PipAudit,
  file: string,
  scan: CheckSettings['scan'],
  lineOf: (name: string) => number | undefined,
): Finding[] {
  const counts = scan.failOn !== 'CRITICAL';
  return dependencies.flatMap(({ name, version, vulns }) =>
    (vulns ?? []).map(({ id, aliases, fix_versions: fixes, description }): Finding => {
      const rule = aliases?.find((alias) => alias.startsWith('CVE-')) ?? id;
      const line = lineOf(name);
      const fixed = fixes.length > 0;
      const level = !counts ? 'note' : fixed ? 'fail' : scan.unfixed;
      return {
        tool: 'pip-audit',
        rule,
        severity: 'high',
        level,
        message: sentence(`${name} ${version ?? ''} has ${rule}: ${description}`),
        at: { file, ...(line === undefined ? {} : { line }) },
        fix: fixed
          ? `Upgrade ${name} to ${fixes.join(' or ')}.`
          : `There is no fixed version of ${name} yet.`,
        docs: `https://osv.dev/vulnerability/${id}`,
        subject: `pypi:${name}`,
      };
    }),
  );
}
