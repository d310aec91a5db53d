import type { CheckSettings } from '../../config/model.ts';
import { counted, formatShareDown } from '../../kernel/figures.ts';
import type { ChangedLines } from '../change/model.ts';
import type { CoverageReport, FileCoverage, Finding } from '../model.ts';

/**
 * Coverage over everything that was measured. Several reports of one file add up: a line is covered when any of them says
 * so.
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
  const all = tallied(merged);
  const ofChange = tallied(inChange);
  const missed = inChange
    .filter((candidate) => candidate.missed.length > 0)
    .map((item) => [item.file, item.missed]);
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

function tallied(files: readonly FileCoverage[]): {
  readonly lines: number;
  readonly share: number | undefined;
} {
  const covered = files.reduce((sum, file) => sum + file.covered.length, 0);
  const lines = files.reduce((sum, file) => sum + file.missed.length, covered);
  return { lines, share: lines === 0 ? undefined : covered / lines };
}

/**
 * What the coverage gates of sluice.yml say. A gate on all lines without any measured line fails: nobody measured. One on
 * the change without any line of code in it holds.
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
        ? `No coverage was measured, and sluice.yml asks for ${formatShareDown(gates.total)} of all lines.`
        : `Tests run ${formatShareDown(total)} of ${counted(lines, 'line')}; sluice.yml asks for ${formatShareDown(gates.total)}.`;
    const fix =
      total === undefined
        ? { fix: 'Add the coverage package of your test runner (pytest-cov, @vitest/coverage-v8).' }
        : {};
    findings.push({ ...gateFinding('coverage/total', message), ...fix });
  }
  if (gates.changed === undefined || changed === undefined || changed >= gates.changed) return findings;
  const missed = Object.entries(missedInChange);
  const [file, missedLines = []] = missed.toSorted(([, a], [, b]) => b.length - a.length)[0] ?? [];
  const message = `Tests run ${formatShareDown(changed)} of ${counted(changedLines, 'line')} of code in the change; sluice.yml asks for ${formatShareDown(gates.changed)}. Not run: ${places(missed)}.`;
  const at =
    file === undefined
      ? {}
      : { at: { file, ...(missedLines[0] === undefined ? {} : { line: missedLines[0] }) } };
  return [...findings, { ...gateFinding('coverage/changed', message), ...at }];
}

function gateFinding(rule: string, message: string): Finding {
  return { tool: 'coverage', rule, severity: 'medium', level: 'fail', message, subject: rule };
}

/** `src/a.ts 3-5, 9; src/b.ts 1`, at most a few files. */
function places(missed: readonly (readonly [string, readonly number[]])[]): string {
  const shown = missed.slice(0, 5).map(([file, lines]) => `${file} ${ranges(lines)}`);
  return [...shown, ...(missed.length > 5 ? [`${missed.length - 5} more files`] : [])].join('; ');
}

function ranges(lines: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const line of lines) {
    const last = runs.at(-1);
    if (last !== undefined && last[1] === line - 1) last[1] = line;
    else runs.push([line, line]);
  }
  const shown = runs.slice(0, 10).map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`));
  return [...shown, ...(runs.length > 10 ? ['…'] : [])].join(', ');
}
