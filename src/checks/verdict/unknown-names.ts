import type { CheckSettings } from '../../config/model.ts';
import { didYouMean } from '../../config/sluice-yml/suggest.ts';
import type { CheckFacts, RawResult } from '../model.ts';

interface Names {
  readonly settings: CheckSettings;
  readonly planned?: readonly CheckFacts[];
  readonly rules?: readonly string[];
}

/** Names in `checks:` of sluice.yml that mean nothing here, each as a sentence: a misspelt one would be obeyed by nobody. */
export function unknownNames(raw: readonly RawResult[], { settings, planned, rules = [] }: Names): string[] {
  const all = [...raw.map(({ check }) => check), ...(planned ?? [])];
  const checks = new Set(all.flatMap(({ id, tool }) => [id, tool]));
  const notes: string[] = [];
  for (const field of ['skip', 'timeouts'] as const) {
    for (const name of Object.keys(settings[field])) {
      if (checks.has(name)) continue;
      notes.push(
        `checks.${field} of sluice.yml names ${name}, which is no check here${didYouMean(name, checks)}`,
      );
    }
  }
  const whole = all.every(({ id }) => raw.some(({ check }) => check.id === id));
  const found = new Set(
    raw.flatMap(({ output }) => (output?.ran ? output.findings.map(({ rule }) => rule) : [])),
  );
  for (const name of Object.keys(settings.ignore)) {
    if (found.has(name) || rules.includes(name)) continue;
    const own = rules.some((rule) => rule.split('/')[0] === name.split('/')[0]);
    // A rule that finds nothing can't be told from one that does not exist, and a part of the checks finds a part.
    if (!own && !whole) continue;
    const what = own ? 'which is no rule of Sluice' : 'which no finding of this run has';
    // F401 and F403 are as near as words, and have nothing in common.
    const meant = name.length < 8 ? '' : didYouMean(name, [...rules, ...found]);
    notes.push(`checks.ignore of sluice.yml names ${name}, ${what}${meant}`);
  }
  return notes;
}
