import { z } from 'zod';
import type { CheckSettings } from '../../../config/model.ts';
import type { CheckOutput, Finding, Level } from '../../model.ts';
import { folderOf, inFolder } from '../../repo.ts';
import type { CheckContext, PlannedCheck, Tool } from '../../tool.ts';
import { jsonAnswer, notRun, sentence } from '../answer.ts';
import { lineOfPackage } from '../scan/lock-files.ts';

const advisoryShape = z.object({
  name: z.string(),
  title: z.string(),
  url: z.string(),
  severity: z.enum(['info', 'low', 'moderate', 'high', 'critical']),
  range: z.string(),
});

const shape = z.object({
  // Missing in the output for an unreachable registry, which has exit code 1, too.
  auditReportVersion: z.literal(2),
  vulnerabilities: z.record(
    z.string(),
    z.object({
      name: z.string(),
      /** Advisories; or names of the dependencies with them, which have their own entries. */
      via: z.array(z.union([advisoryShape, z.string()])),
      fixAvailable: z.union([z.boolean(), z.object({ name: z.string(), version: z.string() })]),
    }),
  ),
});
export type NpmAudit = z.infer<typeof shape>;

/** Replaces Trivy with the advisories of npm's registry if sluice.yml skips Trivy. */
export const npmAudit: Tool = {
  name: 'npm-audit',
  category: 'scan',
  plan(repo, settings) {
    if (!skipsTrivy(settings)) return [];
    return repo.files.flatMap((lock): PlannedCheck[] => {
      if (!/(?:^|\/)package-lock\.json$/.test(lock)) return [];
      const folder = folderOf(lock);
      return [
        {
          id: folder === '' ? 'npm-audit' : `npm-audit ${folder}`,
          tool: 'npm-audit',
          category: 'scan',
          folder,
          why: `found ${lock}, and sluice.yml skips trivy`,
          command: 'npm audit',
          needs: [],
          cost: { cores: 1, memory: 200 * 1024 * 1024, seconds: 3 },
          timeoutMs: settings.timeoutMs,
          run: (context) => audit(context, lock),
        },
      ];
    });
  },
};

export function skipsTrivy({ skip }: CheckSettings): boolean {
  return Object.hasOwn(skip, 'trivy') || Object.hasOwn(skip, 'trivy fs');
}

async function audit(context: CheckContext, lock: string): Promise<CheckOutput> {
  const run = await context.spawn(['npm', 'audit', '--json', '--package-lock-only', '--omit=dev'], {
    quiet: true,
  });
  const count = (said: NpmAudit) => Object.keys(said.vulnerabilities).length;
  const answer = jsonAnswer(run, { name: 'npm audit', codes: [0, 1], findingsCode: 1, shape, count });
  if ('notRun' in answer) {
    const refused = /audit endpoint returned an error|ENOAUDIT|EAUDIT/.test(run.stderr);
    if (!refused) return answer.notRun;
    return notRun({ stdout: '', stderr: run.stderr }, 'the npm registry returned no advisories');
  }
  const text = context.repo.read(inFolder(folderOf(lock), 'package-lock.json')) ?? '';
  return {
    ran: true,
    findings: npmFindings(answer.said, lock, context.settings.scan, (name) => lineOfPackage(text, name)),
  };
}

export function npmFindings(
  { vulnerabilities }: NpmAudit,
  lock: string,
  scan: CheckSettings['scan'],
  lineOf: (name: string) => number | undefined,
): Finding[] {
  const found = Object.values(vulnerabilities).flatMap(({ via, fixAvailable }) =>
    via.flatMap((cause) => (typeof cause === 'string' ? [] : [{ ...cause, fixAvailable }])),
  );
  const distinct = [
    ...new Map(found.map((advisory) => [`${advisory.name} ${advisory.url}`, advisory])).values(),
  ];
  return distinct.map(({ name, title, url, severity, range, fixAvailable }): Finding => {
    const rule = /GHSA(?:-[0-9a-z]{4}){3}/.exec(url)?.[0] ?? url;
    const line = lineOf(name);
    const fix =
      typeof fixAvailable === 'object'
        ? `Upgrade ${fixAvailable.name} to ${fixAvailable.version}.`
        : undefined;
    return {
      tool: 'npm-audit',
      rule,
      severity: severity === 'moderate' ? 'medium' : severity,
      level: levelOf(severity, fixAvailable !== false, scan),
      message: sentence(`${name} (${range}) has ${rule} (${severity}): ${title}`),
      at: { file: lock, ...(line === undefined ? {} : { line }) },
      fix:
        fix ??
        (fixAvailable === false ? `There is no fixed version of ${name} yet.` : 'Run `npm audit fix`.'),
      docs: url,
      subject: `npm:${name}`,
    };
  });
}

const ranks = ['info', 'low', 'moderate', 'high', 'critical'];

function levelOf(severity: string, fixed: boolean, scan: CheckSettings['scan']): Level {
  const limit = scan.failOn === 'MEDIUM' ? 'moderate' : scan.failOn.toLowerCase();
  if (ranks.indexOf(severity) < ranks.indexOf(limit)) return 'note';
  return fixed ? 'fail' : scan.unfixed;
}
