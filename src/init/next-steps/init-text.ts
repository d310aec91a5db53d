import { join } from 'node:path';
import { quoteWords } from '../../kernel/quote.ts';
import type { FileOutcome, FilePlan } from '../files.ts';
import type { Guess } from '../guess/guess.ts';
import type { ServiceGuess } from '../guess/services.ts';
import type { InitPlan } from '../init.ts';
import { enumerate, inline, wrap } from '../render/terminal.ts';
import type { NextStep } from './next-steps.ts';

/** The checks of the first CI run, as far as `sluice init` ran them. */
export interface FirstRun {
  readonly ran: readonly string[];
  /** Those that fail, with the rules and how often: `compose/healthcheck (2)`. */
  readonly failing: readonly { readonly check: string; readonly rules: readonly string[] }[];
  /** Findings that block, over all of them. */
  readonly findings: number;
  /** Checks that did not run: their tools are missing or were not requested. */
  readonly waiting: readonly string[];
}

/** How `sluice init` was called, for a command that does the same again. */
export interface GivenOptions {
  /** The folder and the options that decide on the files: `--staging`, `deploy@test.example.com`. */
  readonly words: readonly string[];
  /** Repository root, relative to the working directory; empty where they are the same. */
  readonly folder: string;
}

/** The output of `sluice init`: files, decisions, limits, next steps. */
export function initText(
  plan: InitPlan,
  outcomes: readonly FileOutcome[],
  steps: readonly NextStep[],
  checks?: FirstRun,
  given: GivenOptions = { words: [], folder: '' },
): string {
  const left = plan.files.filter((_, index) => outcomes[index] === 'left');
  const changed = outcomes.some((outcome) => outcome === 'written' || outcome === 'changed');
  return [
    headline(plan, outcomes),
    '',
    ...filesAndState(plan.files, outcomes),
    ...left.flatMap(({ diff }) => ['', ...diff.split('\n').map((line) => `  ${inline(line)}`)]),
    ...(left.length === 0 ? [] : ['', ...howToChange(left, given)]),
    '',
    ...decided(plan.guess),
    ...notes(plan),
    ...firstRun(checks),
    ...(changed || plan.guess.targets.some(({ isOpen }) => isOpen)
      ? next(steps)
      : ['', 'To show the next steps, run:', '  sluice init --dry-run']),
  ].join('\n');
}

export function printText(plan: InitPlan, steps: readonly NextStep[]): string {
  const files = plan.files.flatMap(({ path, state, text, diff }) => {
    const what = {
      new: '(new)',
      same: '(unchanged)',
      differs: '(differs; only --write and --force change it)',
    }[state];
    const body = state === 'new' ? text.trimEnd() : diff;
    return [`=== ${inline(path)} ${what}`, ...(body === '' ? [] : body.split('\n').map(inline)), ''];
  });
  return [
    `${plan.guess.app.value}: nothing written`,
    '',
    ...files,
    ...decided(plan.guess),
    ...notes(plan),
    ...next(steps),
  ].join('\n');
}

function headline({ guess }: InitPlan, outcomes: readonly FileOutcome[]): string {
  const count = (outcome: FileOutcome) => outcomes.filter((fileOutcome) => fileOutcome === outcome).length;
  const parts = (['written', 'changed'] as const).flatMap((outcome) => {
    const number = count(outcome);
    return number === 0 ? [] : [`${number} ${number === 1 ? 'file' : 'files'} ${outcome}`];
  });
  const left = count('left');
  if (left > 0) parts.push(`${left} differing ${left === 1 ? 'file' : 'files'} kept`);
  return `${guess.app.value}: ${parts.length === 0 ? 'all files are up to date' : parts.join(', ')}`;
}

function filesAndState(files: readonly FilePlan[], outcomes: readonly FileOutcome[]): string[] {
  return files.map(({ path }, index) => {
    const outcome = outcomes[index] === 'left' ? 'kept' : (outcomes[index] ?? '');
    return `  ${outcome.padEnd(10)} ${inline(path)}`;
  });
}

/** Each service with its strategy and why, then what a deploy does with the database. */
function decided(guess: Guess): string[] {
  const { services, compose } = guess;
  const files = inline(compose.value.join(' + '));
  if (services.length === 0) return [`  ${files}`];
  const width = Math.max(...services.map(({ name }) => name.length));
  const blank = ' '.repeat(2 + width + 2 + 12);
  return [
    `${files}: ${services.length} ${services.length === 1 ? 'service' : 'services'}`,
    ...services.flatMap((service) => {
      const { name, plan } = service;
      const why = plan.reason.replace(/; port \d+ from .*$/, '');
      const health = plan.ports.length === 0 ? [] : [portAndHealth(service)];
      return wrap(
        [...health, why].join('; '),
        `  ${name.padEnd(width)}  ${plan.strategy.padEnd(10)}  `,
        blank,
      );
    }),
    ...database(guess),
  ];
}

function portAndHealth({ plan, portFrom }: ServiceGuess): string {
  const [main, ...others] = plan.ports.map(({ port, mode }) => `${port}${mode === 'tcp' ? ' (tcp)' : ''}`);
  const ports = [portFrom === undefined ? main : `from \${${portFrom}}`, ...others];
  const isHttp = plan.ports.some(({ mode }) => mode === 'http');
  const health = plan.health === undefined ? (isHttp ? ', no health path' : '') : `, health ${plan.health}`;
  return `port ${ports.join(', ')}${health}`;
}

function database({ migrate, backup }: Guess): string[] {
  const lines: string[] = [];
  if (migrate !== undefined) {
    const { service, command, instead } = migrate;
    lines.push(
      ...(instead === undefined
        ? wrap(`\`${command}\` in ${service}, once per deploy`, '  migration: ', '    ')
        : wrap(instead, '  migration: ', '    ')),
    );
  }
  if (backup?.postgres !== undefined)
    lines.push(
      ...wrap(`${backup.postgres}, before each deploy and each night; ${backup.why}`, '  backup: ', '    '),
    );
  return lines;
}

/** The command on a line without a prefix or line breaks, to copy. */
function howToChange(left: readonly FilePlan[], { words, folder }: GivenOptions): string[] {
  const [first] = left;
  const one = left.length === 1;
  const names = enumerate(left.map(({ path }) => path));
  const again = ['sluice init', ...words.map((word) => inline(quoteWords([word])))].join(' ');
  const path = join(folder, first?.path ?? '');
  return [
    ...wrap(`${names} ${one ? 'was' : 'were'} not changed. To apply ${one ? 'the diff' : 'one diff'}, run:`),
    `  ${again} --write ${inline(quoteWords([path]))}`,
    ...(one ? [] : ['To apply all of them, run:', `  ${again} --force`]),
  ];
}

function notes({ guess, env }: InitPlan): string[] {
  const added =
    env === undefined
      ? []
      : [
          `No example file described ${enumerate(env.added.slice(0, 5))}${env.added.length > 5 ? ` and ${env.added.length - 5} more` : ''}. Fill in ${env.path}.`,
        ];
  return [
    ...section('Not handled', guess.notHandled),
    ...section('Before the first deploy', [...added, ...guess.notes]),
  ];
}

function section(title: string, texts: readonly string[]): string[] {
  return texts.length === 0 ? [] : ['', title, ...texts.flatMap((text) => wrap(text, '  ! ', '    '))];
}

/** The result of the first CI run, without the checks that need tools. */
function firstRun(checks: FirstRun | undefined): string[] {
  if (checks === undefined) return [];
  const { failing, ran, waiting } = checks;
  const red = failing.map(({ check, rules }) => `${check}: ${enumerate(rules)}`);
  const rest =
    waiting.length === 0
      ? []
      : wrap(
          `Not run here, because ${waiting.length === 1 ? 'it needs its tool' : 'they need their tools'}: ${enumerate(waiting)}.`,
          '  ',
          '  ',
        );
  return [
    '',
    'The first CI run',
    ...(red.length === 0
      ? wrap(`${enumerate(ran)} ${ran.length === 1 ? 'passes' : 'pass'}.`, '  ✓ ', '    ')
      : red.flatMap((text) => wrap(text, '  ✗ ', '    '))),
    ...rest,
  ];
}

function next(steps: readonly NextStep[]): string[] {
  return [
    '',
    'Next steps',
    ...steps.flatMap(({ title, why, commands }, index) => [
      ...wrap(title, `  ${index + 1}. `, '     '),
      ...(why === undefined ? [] : wrap(why, '     ', '     ')),
      // Commands are copied: they are never broken into lines.
      ...commands.map((command) => `     ${command}`),
    ]),
  ];
}
