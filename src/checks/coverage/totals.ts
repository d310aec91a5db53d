import type { CheckSettings } from '../../config/model.ts';
import { counted } from '../../kernel/figures.ts';
import type { ChangedLines, CoverageReport, FileCoverage, Finding } from '../model.ts';

/**
 * Coverage over everything that was measured. Several reports of one file add up: a line is covered if any of them
 * covers it.
 *
 * @param changed lines of the change; undefined when it is not known.
 */
export function coverageReport(
  files: readonly FileCoverage[],
  changed: ChangedLines | undefined,
): CoverageReport {
  const merged = mergeCoverage(files);
  const inChange = merged.map(({ file, covered, missed }) => {
    const touched = changed?.files.get(file);
    const isTouched = (line: number) => touched?.has(line) === true;
    return { file, covered: covered.filter(isTouched), missed: missed.filter(isTouched) };
  });
  const all = sumOf(merged);
  const ofChange = sumOf(inChange);
  const missed = inChange.filter(({ missed }) => missed.length > 0).map(({ file, missed }) => [file, missed]);
  return {
    total: all.share,
    changed: ofChange.share,
    lines: all.lines,
    changedLines: ofChange.lines,
    missedInChange: Object.fromEntries(missed),
  };
}

/** One entry for each file, sorted; each line of code is in one of its two lists. */
export function mergeCoverage(files: readonly FileCoverage[]): readonly FileCoverage[] {
  const byFile = new Map<string, Map<number, boolean>>();
  for (const { file, covered, missed } of files) {
    const lines = byFile.get(file) ?? new Map<number, boolean>();
    byFile.set(file, lines);
    for (const line of missed) lines.set(line, lines.get(line) ?? false);
    for (const line of covered) lines.set(line, true);
  }
  return [...byFile]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([file, lines]) => {
      const sorted = [...lines].sort(([a], [b]) => a - b);
      const those = (wanted: boolean) => sorted.filter(([, ran]) => ran === wanted).map(([line]) => line);
      return { file, covered: those(true), missed: those(false) };
    });
}

function sumOf(files: readonly FileCoverage[]): {
  readonly lines: number;
  readonly share: number | undefined;
} {
  const covered = files.reduce((sum, file) => sum + file.covered.length, 0);
  const lines = files.reduce((sum, file) => sum + file.missed.length, covered);
  return { lines, share: lines === 0 ? undefined : covered / lines };
}

/**
 * Judges the coverage gates of sluice.yml. A gate on all lines fails if no line was measured. A gate on the change passes
 * if the change has no line of code.
 */
export function coverageFindings(
  report: CoverageReport,
  gates: CheckSettings['coverage'],
): readonly Finding[] {
  const { total, changed, lines, changedLines, missedInChange } = report;
  const findings: Finding[] = [];
  if (gates.total !== undefined && (total === undefined || total < gates.total)) {
    const message =
      total === undefined
        ? `No coverage was measured; sluice.yml requires ${percent(gates.total)} of all lines.`
        : `Tests cover ${percent(total)} of ${counted(lines, 'line')}; sluice.yml requires ${percent(gates.total)}.`;
    const fix =
      total === undefined
        ? { fix: 'Add the coverage package of your test runner (pytest-cov, @vitest/coverage-v8).' }
        : {};
    findings.push({ ...gateFinding('coverage/total', message), ...fix });
  }
  if (gates.changed === undefined || changed === undefined || changed >= gates.changed) return findings;
  const missed = Object.entries(missedInChange);
  const [file, missedLines = []] = missed.toSorted(([, a], [, b]) => b.length - a.length)[0] ?? [];
  const message = `Tests cover ${percent(changed)} of ${counted(changedLines, 'line')} of code in the change; sluice.yml requires ${percent(gates.changed)}. Not covered: ${places(missed)}.`;
  const at =
    file === undefined
      ? {}
      : { at: { file, ...(missedLines[0] === undefined ? {} : { line: missedLines[0] }) } };
  return [...findings, { ...gateFinding('coverage/changed', message), ...at }];
}

function gateFinding(rule: string, message: string): Finding {
  return { tool: 'coverage', rule, severity: 'medium', level: 'fail', message, subject: rule };
}

/** Rounded down: 79.96 % does not meet a gate of 80 %. */
export function percent(share: number): string {
  return `${Math.floor(share * 1000 + 1e-9) / 10} %`;
}

/** `src/a.ts 3-5, 9; src/b.ts 1`, at most a few files. */
function places(missed: readonly (readonly [string, readonly number[]])[]): string {
  const shown = missed.slice(0, 5).map(([file, lines]) => {
    const found = ranges(lines);
    return `${file} ${[...found.slice(0, 10), ...(found.length > 10 ? ['…'] : [])].join(', ')}`;
  });
  return [...shown, ...(missed.length > 5 ? [`${missed.length - 5} more files`] : [])].join('; ');
}

/** `12-14`, `20` */
export function ranges(numbers: readonly number[]): string[] {
  const found: [number, number][] = [];
  for (const number of [...new Set(numbers)].sort((a, b) => a - b)) {
    const last = found.at(-1);
    if (last !== undefined && last[1] === number - 1) last[1] = number;
    else found.push([number, number]);
  }
  return found.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`));
}
