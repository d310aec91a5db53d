import { counted } from '../../kernel/figures.ts';
import type { Annotation } from '../../report/annotations.ts';
import type { CheckResult, ChecksReport, JudgedFinding, Level } from '../model.ts';
import { worstFirst } from '../verdict/judge-findings.ts';
import { againBy, isFirstOfCause, namesOfCause, verdictLine } from './words.ts';

/** GitHub shows ten of a level in each step; people do not read more than ten in all. */
const most = 10;

const levels: Readonly<Record<Level, Annotation['level']>> = {
  fail: 'error',
  review: 'warning',
  note: 'notice',
};

/**
 * The ten most important annotations: checks that did not run, then findings in the order of worstFirst. If there are more,
 * the last one counts the others. Findings of the level `note` appear only for changed lines, accepted ones never.
 */
export function checksAnnotations(report: ChecksReport): Annotation[] {
  const { results } = report;
  if (results.length === 0) {
    return [{ level: 'error', title: 'Nothing was checked', message: verdictLine(report) }];
  }
  const missing = results
    .filter((result) => result.status === 'did-not-run' && isFirstOfCause(result, results))
    .map((result) => missingNote(result, namesOfCause(result, results)));
  const findings = results
    .flatMap((result) => result.findings)
    .filter(
      (finding) => finding.accepted === undefined && (finding.level !== 'note' || finding.inChange === true),
    )
    .sort(worstFirst)
    .map(findingNote);
  const all = [...missing, ...findings];
  if (all.length <= most) return all;
  const others = all.slice(most - 1);
  const message = `${counted(others.length, 'finding')} more: see the summary of this step or the log.`;
  return [
    ...all.slice(0, most - 1),
    { level: others[0]?.level ?? 'notice', title: `${others.length} more`, message },
  ];
}

function missingNote(result: CheckResult, names: string): Annotation {
  const fix = result.fix === undefined ? '' : `\n→ ${result.fix}`;
  const message = `${names} did not run: ${result.why ?? 'no reason given'}${fix}\n$ ${againBy(result)}`;
  return { level: 'error', title: `${names} did not run`, message };
}

function findingNote({ tool, rule, message, fix, level, also, at }: JudgedFinding): Annotation {
  const title = `${[tool, ...also].join(', ')}: ${rule}`;
  const text = fix === undefined ? message : `${message}\n→ ${fix}`;
  return { level: levels[level], title, message: text, file: at?.file, line: at?.line, column: at?.column };
}
