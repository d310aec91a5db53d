import type { CheckSettings } from '../../config/model.ts';
import { didYouMean } from '../../config/sluice-yml/suggest.ts';
import { neverHandedOn } from '../../kernel/masking/keys.ts';
import { isReadByTools, toolEnv } from '../../kernel/process/child-env.ts';
import type { CheckFacts, RawResult } from '../model.ts';
import type { Repo } from '../repo.ts';

interface Names {
  readonly settings: CheckSettings;
  readonly planned?: readonly CheckFacts[];
  readonly rules?: readonly string[];
}

/** Sentences about unknown names in `checks:` of sluice.yml, since a typo has no other effect. */
export function unknownNames(raw: readonly RawResult[], { settings, planned, rules = [] }: Names): string[] {
  const all = [...raw.map(({ check }) => check), ...(planned ?? [])];
  const checks = new Set(all.flatMap(({ id, tool }) => [id, tool]));
  const notes: string[] = [];
  for (const field of ['skip', 'timeouts'] as const) {
    for (const name of Object.keys(settings[field])) {
      if (checks.has(name)) continue;
      notes.push(`checks.${field} of sluice.yml has an unknown check: ${name}${didYouMean(name, checks)}`);
    }
  }
  const whole = all.every(({ id }) => raw.some(({ check }) => check.id === id));
  const found = new Set(
    raw.flatMap(({ output }) => (output?.ran ? output.findings.map(({ rule }) => rule) : [])),
  );
  for (const name of Object.keys(settings.ignore)) {
    if (found.has(name) || rules.includes(name)) continue;
    const own = rules.some((rule) => rule.split('/')[0] === name.split('/')[0]);
    // A rule without findings looks like one that does not exist; so does one of a check that was not selected.
    if (!own && !whole) continue;
    const what = own ? 'is not a rule of Sluice' : 'matches no finding of this run';
    // F401 and F403 are similar words with different meanings.
    const meant = name.length < 8 ? '' : didYouMean(name, [...rules, ...found]);
    notes.push(`checks.ignore of sluice.yml: ${name} ${what}${meant}`);
  }
  return notes;
}

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
