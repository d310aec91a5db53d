import { type Finding, type Level, severities } from '../model.ts';
import { byPlace, compare } from './fingerprint.ts';
import { meaningOf, meetingPlace } from './meaning.ts';

/** A finding and its check, by number in the plan. */
export interface Found {
  readonly check: number;
  readonly finding: Finding;
}

/** Equal findings of several tools. It belongs to the first of them in the plan. */
export interface MergedFinding extends Found {
  /** The other tools, sorted. */
  readonly also: readonly string[];
  /** The level for each check that found it; `check` gets the worst of all. */
  readonly levels: ReadonlyMap<number, Level>;
}

const levels: readonly Level[] = ['fail', 'review', 'note'];

/** By weight: the worst first. */
export function byLevel(a: Level, b: Level): number {
  return levels.indexOf(a) - levels.indexOf(b);
}

/**
 * Merges equal findings (see meaning.ts) of several checks at the same place; the worst level and the worst severity win.
 * Two findings of one check at one place stay two, unless they are identical.
 */
export function mergeFindings(found: readonly Found[]): MergedFinding[] {
  const groups = Map.groupBy(distinct(found), ({ finding }) => {
    return meetingPlace(finding, meaningOf(finding)) ?? exactKey(finding);
  });
  return [...groups.values()].flatMap((group) => {
    const ordered = group.toSorted(
      (a, b) => byPlace(a.finding.at, b.finding.at) || compare(a.finding.message, b.finding.message),
    );
    const checks = [...Map.groupBy(ordered, ({ check }) => check).values()];
    const most = Math.max(...checks.map((check) => check.length));
    // Matches the first of one check with the first of another: each once, and none is lost.
    return Array.from({ length: most }, (_, index) => {
      return mergeOne(checks.flatMap((check) => check.slice(index, index + 1)));
    });
  });
}

function mergeOne(same: readonly Found[]): MergedFinding {
  const [first, ...others] = same.toSorted((a, b) => a.check - b.check) as [Found, ...Found[]];
  const all = [first, ...others].map(({ finding }) => finding);
  const level = all.map((finding) => finding.level).sort(byLevel)[0] ?? first.finding.level;
  const severity = severities.find((severity) => all.some((finding) => finding.severity === severity));
  const at = all.find((finding) => finding.at?.line !== undefined)?.at ?? first.finding.at;
  const fix = all.find((finding) => finding.fix !== undefined)?.fix;
  const docs = all.find((finding) => finding.docs !== undefined)?.docs;
  const tools = new Set(all.map((finding) => finding.tool));
  tools.delete(first.finding.tool);
  return {
    check: first.check,
    finding: {
      ...first.finding,
      level,
      ...(severity && { severity }),
      ...(at && { at }),
      ...(fix !== undefined && { fix }),
      ...(docs !== undefined && { docs }),
    },
    also: [...tools].sort(),
    levels: new Map([
      ...others.map(({ check, finding }) => [check, finding.level] as const),
      [first.check, level],
    ]),
  };
}

/** Some tools print a finding once for each rule set or import that leads to it; the worst one stays. */
function distinct(found: readonly Found[]): readonly Found[] {
  const worstLast = found.toSorted((a, b) => byLevel(b.finding.level, a.finding.level));
  return [...new Map(worstLast.map((one) => [`${one.check} ${exactKey(one.finding)}`, one])).values()];
}

function exactKey({ tool, rule, message, subject, at }: Finding): string {
  return JSON.stringify([tool, rule, message, subject, at?.file, at?.line, at?.column]);
}
