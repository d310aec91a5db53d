import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Finding } from '../../../src/checks/model.ts';
import { type Repo, repoOf } from '../../../src/checks/repo.ts';
import { ownTools } from '../../../src/checks/rules/tools.ts';
import type { CheckContext } from '../../../src/checks/tool.ts';
import type { Config } from '../../../src/config/model.ts';
import { defaultCheckSettings } from '../../../src/config/sluice-yml/normalise.ts';

/** Everything that our own rules say of a repository. They use nothing of the context they run in. */
export async function ownFindings(repo: Repo, config?: Config): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const check of ownTools(config).flatMap((tool) => tool.plan(repo, defaultCheckSettings()))) {
    const output = await check.run({} as CheckContext);
    if (!output.ran) throw new Error(`${check.id} did not run: ${output.why}`);
    found.push(...output.findings);
  }
  return found;
}

/** `Dockerfile:3 dockerfile/root-user`, sorted. */
export function linesOf(findings: readonly Finding[]): string[] {
  return findings.map(({ at, rule }) => `${at?.file}:${at?.line ?? '-'} ${rule}`).sort();
}

/** A folder of test/fixtures as a repository; its `expect.json` is no part of it. */
export function folderRepo(folder: string): Repo {
  const files: string[] = [];
  const visit = (below: string): void => {
    for (const entry of readdirSync(join(folder, below), { withFileTypes: true })) {
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory()) {
        if (!/^(?:node_modules|\.venv|__pycache__|dist|\.pytest_cache)$/.test(entry.name)) visit(path);
      } else if (path !== 'expect.json') files.push(path);
    }
  };
  visit('');
  return repoOf(folder, files.sort(), true);
}

/** What a fixture expects: one finding a line. */
export function expectedIn(folder: string): string[] {
  return (JSON.parse(readFileSync(join(folder, 'expect.json'), 'utf8')) as string[]).sort();
}
