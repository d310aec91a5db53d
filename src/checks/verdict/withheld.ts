import { neverHandedOn } from '../../kernel/masking/keys.ts';
import { isReadByTools, toolEnv } from '../../kernel/process/child-env.ts';
import type { Repo } from '../repo.ts';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * A note about variables that are set, that the source names or tools read, but that tools and tests do not get: a test that
 * is skipped because its database is not set must not look like one that passed.
 */
export function withheldNote(repo: Repo, env: Env, named: readonly string[]): string[] {
  const given = toolEnv(env, named);
  const kept = Object.keys(env).filter((name) => env[name] && !(name in given) && !neverHandedOn.test(name));
  if (kept.length === 0) return [];
  const read = namesIn(repo);
  const names = kept.filter((name) => read.has(name) || isReadByTools(name)).sort();
  if (names.length === 0) return [];
  return [
    `Tools and tests do not get ${names.join(', ')}, although the source or tools mention them. If they are needed, add them to checks.env of sluice.yml.`,
  ];
}

const maxFiles = 5_000;
const maxLength = 400_000;

/** Words of code, including tests, in the form of environment variables. */
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
