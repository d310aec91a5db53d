import type { FileOutcome, FilePlan } from './files.ts';
import type { ServiceGuess } from './guess-services.ts';
import type { InitPlan } from './init.ts';
import type { NextStep } from './next-steps.ts';
import { enumerate, inline, wrap } from './words.ts';

/** What a person reads after `sluice init`: the outcome first, then what was found, what to look at, what to do. */
export function initText(
  plan: InitPlan,
  outcomes: readonly FileOutcome[],
  steps: readonly NextStep[],
): string {
  const left = plan.files.filter((_, index) => outcomes[index] === 'left');
  const changed = outcomes.some((outcome) => outcome === 'written' || outcome === 'changed');
  return [
    headline(plan, outcomes),
    '',
    ...filesAndState(plan.files, outcomes),
    '',
    ...found(plan),
    ...left.flatMap(({ diff }) => ['', ...diff.split('\n').map((line) => `  ${inline(line)}`)]),
    ...(left.length === 0 ? [] : ['', ...wrap(howToChange(left))]),
    ...notes(plan),
    ...(changed || plan.guess.targets.some(({ isOpen }) => isOpen)
      ? next(steps)
      : ['', ...wrap('What comes after the files: sluice init --print')]),
  ].join('\n');
}

/** `--print`: the files themselves, and what would become of each. */
export function printText(plan: InitPlan, steps: readonly NextStep[]): string {
  const files = plan.files.flatMap(({ path, state, text, diff }) => {
    const what = {
      new: 'would be written',
      same: 'is there, and stays',
      differs: 'is there, and differs: only --force or --write would change it',
    }[state];
    const body = state === 'new' ? text.trimEnd() : diff;
    return [`=== ${inline(path)} ${what}`, ...(body === '' ? [] : body.split('\n').map(inline)), ''];
  });
  return [
    `${plan.guess.app.value}: nothing was written`,
    '',
    ...files,
    ...found(plan),
    ...notes(plan),
    ...next(steps),
  ].join('\n');
}

function headline({ guess }: InitPlan, outcomes: readonly FileOutcome[]): string {
  const count = (outcome: FileOutcome) => outcomes.filter((each) => each === outcome).length;
  const parts = (['written', 'changed'] as const).flatMap((outcome) => {
    const number = count(outcome);
    return number === 0 ? [] : [`${number} ${number === 1 ? 'file' : 'files'} ${outcome}`];
  });
  const left = count('left');
  if (left > 0) parts.push(`${left} ${left === 1 ? 'differs and was' : 'differ and were'} left`);
  return `${guess.app.value}: ${parts.length === 0 ? 'everything is there already, nothing was changed' : parts.join(', ')}`;
}

function filesAndState(files: readonly FilePlan[], outcomes: readonly FileOutcome[]): string[] {
  return files.map(({ path }, index) => `  ${(outcomes[index] ?? '').padEnd(10)} ${inline(path)}`);
}

function found({ guess }: InitPlan): string[] {
  const { services, compose } = guess;
  if (services.length === 0) return [`  ${inline(compose.value.join(' + '))}`];
  const nameWidth = Math.max(...services.map(({ name }) => name.length));
  return [
    `  ${inline(compose.value.join(' + '))}: ${services.length} ${services.length === 1 ? 'service' : 'services'}`,
    ...services.map((service) =>
      `    ${service.name.padEnd(nameWidth)}  ${service.plan.strategy.padEnd(10)}  ${facts(service)}`.trimEnd(),
    ),
  ];
}

const meanings: Readonly<Record<string, string>> = {
  workers: 'new ones start, old ones finish',
  singleton: 'never two at once',
  recreate: 'replaced when it changed, with a short interruption',
  keep: 'a deploy never touches it',
  job: 'runs once per deploy',
};

function facts({ plan, portFrom }: ServiceGuess): string {
  const port = portFrom === undefined ? plan.ports[0]?.port : `from $\{${portFrom}}`;
  if (port === undefined) return meanings[plan.strategy] ?? '';
  return `port ${port}, ${plan.health === undefined ? 'no health path' : `health ${plan.health}`}`;
}

function howToChange(left: readonly FilePlan[]): string {
  const all = left.length === 1 ? '' : ' --force changes all of them.';
  return `${enumerate(left.map(({ path }) => path))} ${left.length === 1 ? 'is' : 'are'} as before. To take what is shown: sluice init --write ${left[0]?.path}.${all}`;
}

function notes({ guess, env }: InitPlan): string[] {
  const added =
    env === undefined
      ? []
      : [
          `Nothing described ${enumerate(env.added.slice(0, 5))}${env.added.length > 5 ? ` and ${env.added.length - 5} more` : ''}: see ${env.path}.`,
        ];
  const all = [...added, ...guess.notes];
  return all.length === 0 ? [] : ['', 'To look at', ...all.flatMap((text) => wrap(text, '  ! ', '    '))];
}

function next(steps: readonly NextStep[]): string[] {
  return [
    '',
    'Next',
    ...steps.flatMap(({ title, why, commands }, index) => [
      ...wrap(title, `  ${index + 1}. `, '     '),
      ...(why === undefined ? [] : wrap(why, '     ', '     ')),
      // Commands are copied: they are never broken into lines.
      ...commands.map((command) => `     ${command}`),
    ]),
  ];
}
