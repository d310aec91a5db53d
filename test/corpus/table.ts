import type { Outcome } from './repository.ts';
import { good } from './verdict.ts';

/** One line a repository, and below it what is wrong with each. */
export function tableText(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map((each) => [
    each.repository,
    each.stack,
    each.init.code === 0 ? `${each.init.files} files` : `exit ${each.init.code}`,
    each.services === undefined ? 'no plan' : String(each.services),
    each.build,
    rulesText(each.rules),
    `${each.seconds} s`,
    each.verdict,
  ]);
  const head = ['repository', 'stack', 'init', 'services', 'build', 'own rules', 'time', 'verdict'];
  const widths = head.map((title, column) =>
    Math.max(...[head, ...rows].map((row) => (row[column] ?? title).length)),
  );
  const lines = [head, ...rows].map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const faults = outcomes.filter(({ verdict }) => verdict !== 'accept').map(faultText);
  return [...lines, '', ...faults, sumText(outcomes)].join('\n');
}

function rulesText(rules: Outcome['rules']): string {
  const count = Object.values(rules).reduce((sum, each) => sum + each, 0);
  return `${count} of ${Object.keys(rules).length}`;
}

function faultText({ repository, verdict, mismatches, refusals }: Outcome): string {
  return [
    `${repository}: ${verdict}`,
    ...mismatches.map(({ severity, text }) => `  ${severity === 'wrong' ? '✗' : '~'} ${text}`),
    ...refusals.map(({ code, message }) => `  ! ${code} ${message.split('\n')[0]}`),
    '',
  ].join('\n');
}

function sumText(outcomes: readonly Outcome[]): string {
  const count = (test: (verdict: Outcome['verdict']) => boolean) =>
    outcomes.filter(({ verdict }) => test(verdict)).length;
  return [
    `${count((each) => good.includes(each))} of ${outcomes.length} as expected`,
    `(${count((each) => each === 'accept')} accepted without an edit, ${count((each) => each === 'refused as expected')} refused as expected)`,
    `${count((each) => each === 'edit needed')} need an edit, ${count((each) => each === 'refused')} are refused,`,
    `${count((each) => each === 'WRONG IN SILENCE')} are wrong in silence, ${count((each) => each === 'crash')} crashed`,
  ].join(' ');
}
