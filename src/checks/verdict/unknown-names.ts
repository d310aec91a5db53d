import type { CheckSettings } from '../../config/model.ts';
import { didYouMean } from '../../config/sluice-yml/suggest.ts';
import type { CheckFacts, RawResult } from '../model.ts';

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
