import { type Finding, type Level, severities } from '../model.ts';
import { byPlace, compare } from './fingerprint.ts';
import { meaningOf, meetingPlace } from './meaning.ts';

/** A finding and the check, by its number in the plan, that has made it. */
export interface Found {
  readonly check: number;
  readonly finding: Finding;
}

/** Findings of several tools that are one. It belongs to the first of them in the plan. */
export interface MergedFinding extends Found {
  /** The other tools, sorted. */
  readonly also: readonly string[];
  /** What each check that found it says of it, `check` included: that one speaks for all and has the worst level. */
  readonly levels: ReadonlyMap<number, Level>;
}

const levels: readonly Level[] = ['fail', 'review', 'note'];

/** By weight: the worst first. */
export function byLevel(a: Level, b: Level): number {
  return levels.indexOf(a) - levels.indexOf(b);
}

/**
 * Makes one finding of what several checks have found at the same place (meaning.ts has what means the same); the worst
 * level and the worst severity win. What one check says twice of one place stays twice, unless it is equal to the letter.
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
    // The first of one check is the first of another: each is matched once, and none is lost.
    return Array.from({ length: most }, (_, index) => {
      return mergeOne(checks.flatMap((check) => check.slice(index, index + 1)));
    });
  });
}

function mergeOne(same: readonly Found[]): MergedFinding {
  const [first, ...others] = same.toSorted((a, b) => a.check - b.check) as [Found, ...Found[]];
  const all = [first, ...others].map(({ finding }) => finding);
  const level = all.map((finding) => finding.level).sort(byLevel)[0] ?? first.finding.level;
  const severity = severities.find((candidate) => all.some((finding) => finding.severity === candidate));
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

/** Some tools print a finding once for each rule set, or each import, that leads to it; the worst of them stays. */
function distinct(found: readonly Found[]): readonly Found[] {
  const worstLast = found.toSorted((a, b) => byLevel(b.finding.level, a.finding.level));
  return [
    ...new Map(
      worstLast.map((candidate) => [`${candidate.check} ${exactKey(candidate.finding)}`, candidate]),
    ).values(),
  ];
}

function exactKey({ tool, rule, message, subject, at }: Finding): string {
  return JSON.stringify([tool, rule, message, subject, at?.file, at?.line, at?.column]);
}
