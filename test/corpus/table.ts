import type { Outcome } from './repository.ts';
import { good } from './verdict.ts';

/** One line a repository, and below it what is wrong with each. */
export function tableText(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map((outcome) => [
    outcome.repository,
    outcome.stack,
    outcome.init.code === 0 ? `${outcome.init.files} files` : `exit ${outcome.init.code}`,
    outcome.services === undefined ? 'no plan' : String(outcome.services),
    outcome.build,
    rulesText(outcome.rules),
    `${outcome.seconds} s`,
    outcome.verdict,
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
  const count = Object.values(rules).reduce((sum, rule) => sum + rule, 0);
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
    `${count((verdict) => good.includes(verdict))} of ${outcomes.length} as expected`,
    `(${count((verdict) => verdict === 'accept')} accepted without an edit, ${count((verdict) => verdict === 'refused as expected')} refused as expected)`,
    `${count((verdict) => verdict === 'edit needed')} need an edit, ${count((verdict) => verdict === 'refused')} are refused,`,
    `${count((verdict) => verdict === 'WRONG IN SILENCE')} are wrong in silence, ${count((verdict) => verdict === 'crash')} crashed`,
  ].join(' ');
}
