import { ownTools } from '../../../src/checks/rules/tools.ts';
import type { CheckContext } from '../../../src/checks/tool.ts';
import { defaultCheckSettings } from '../../../src/config/sluice-yml/normalise.ts';
import { ownFindings } from './own.ts';
import { memoryRepo } from './repo.ts';

/** Files by path. */
export type Texts = Readonly<Record<string, string>>;

/** `fail Dockerfile:3 message`, of one rule. */
export async function said(texts: Texts, rule: string): Promise<string[]> {
  const found = await ownFindings(memoryRepo(texts));
  return found
    .filter((finding) => finding.rule === rule)
    .map(({ level, at, message }) => `${level} ${at?.file}:${at?.line ?? '-'} ${message}`);
}

/** Our own checks of a repository of these files. */
export const planned = (texts: Texts) =>
  ownTools().flatMap((tool) => tool.plan(memoryRepo(texts), defaultCheckSettings()));

/** What each of them says that it saw. */
export async function summaries(texts: Texts): Promise<Record<string, string | undefined>> {
  const outputs = planned(texts).map(async (check) => {
    const output = await check.run({} as CheckContext);
    return [check.id, output.ran ? output.summary : output.why] as const;
  });
  return Object.fromEntries(await Promise.all(outputs));
}

/** A service that no rule has anything against. */
export const sound = `restart: always, healthcheck: { test: [CMD, "true"] }, deploy: { resources: { limits: { memory: 1G, cpus: "2" } } }`;
