import { neverHandedOn } from '../../kernel/masking/keys.ts';
import { isReadByTools, toolEnv } from '../../kernel/process/child-env.ts';
import type { Repo } from '../repo.ts';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Variables that are set, that the source names or tools read by themselves, and that tools and tests are not given: a test that is left out because
 * its database is not named must not look like one that passed.
 */
export function withheldNote(repo: Repo, env: Env, named: readonly string[]): string[] {
  const given = toolEnv(env, named);
  const kept = Object.keys(env).filter((name) => env[name] && !(name in given) && !neverHandedOn.test(name));
  if (kept.length === 0) return [];
  const read = namesIn(repo);
  const names = kept.filter((name) => read.has(name) || isReadByTools(name)).sort();
  if (names.length === 0) return [];
  return [
    `Tools and tests do not get ${names.join(', ')}, which the source names or tools read. If they need it, list it in sluice.yml: checks.env.`,
  ];
}

const maxFiles = 5_000;
const maxLength = 400_000;

/** Words of code, of tests above all, that are written like variables of the environment. */
function namesIn(repo: Repo): ReadonlySet<string> {
  const sources = repo.files.filter((file) =>
    /\.(?:[cm]?[jt]sx?|vue|py|toml|ini|cfg|go|rb|php|sh)$/.test(file),
  );
  const names = new Set<string>();
  for (const file of sources.slice(0, maxFiles)) {
    const text = repo.read(file);
    if (text === undefined || text.length > maxLength) continue;
    for (const [name] of text.matchAll(/\b[A-Z][A-Z0-9_]{2,100}\b/g)) names.add(name);
  }
  return names;
}
