import { toolEnv } from '../kernel/child-env.ts';
import { neverHandedOn } from '../kernel/keys.ts';
import type { Repo } from './repo.ts';
import { envUses } from './rules/env-uses.ts';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Variables that are set, that the source reads, and that tools and tests are not given: a test that is left out because
 * its database is not named must not look like one that passed.
 */
export function withheldNote(repo: Repo, env: Env, named: readonly string[]): string[] {
  const given = toolEnv(env, named);
  const kept = Object.keys(env).filter((name) => env[name] && !(name in given) && !neverHandedOn.test(name));
  if (kept.length === 0) return [];
  const read = new Set(envUses(repo).map(({ name }) => name));
  const names = kept.filter((name) => read.has(name)).sort();
  if (names.length === 0) return [];
  return [
    `Tools and tests do not get ${names.join(', ')}, which the source reads. If they need it, name it in sluice.yml: checks.env.`,
  ];
}
