import type { TargetGuess } from '../guess/targets.ts';
import { checkout } from './toolkit.ts';
import type { CallerFacts } from './workflow-parts.ts';
import { environmentOf } from './workflow-targets.ts';

export interface JobFacts {
  readonly id: string;
  readonly name: string;
  readonly needs?: string;
  readonly condition?: string;
  readonly strategy?: readonly string[];
  readonly minutes: number;
  readonly rights: readonly string[];
  readonly target: string;
  readonly facts: CallerFacts;
  /** Of the concurrency group: publications do not wait for deploys. */
  readonly kind?: string;
  readonly steps: readonly string[];
}

/** A job that works on one target, in the environment of that target. */
export function job({ facts, target, kind = '', ...given }: JobFacts): string[] {
  const group = `sluice-${kind}${environmentOf(target, facts)}`;
  return [
    '',
    `  ${given.id}:`,
    `    name: ${given.name}`,
    ...(given.needs === undefined ? [] : [`    needs: ${given.needs}`]),
    ...(given.condition === undefined ? [] : [`    if: ${given.condition}`]),
    ...(given.strategy ?? []),
    ...runner(given.minutes),
    ...permissions(given.rights),
    `    environment: ${environmentOf(target, facts)}`,
    `    concurrency: { group: "${group}", cancel-in-progress: false }`,
    '    steps:',
    ...checkoutStep,
    ...given.steps,
  ];
}

export const checkoutStep = [`      - uses: ${checkout}`, '        with: { persist-credentials: false }'];

export function runner(minutes: number): string[] {
  return ['    runs-on: ubuntu-latest', `    timeout-minutes: ${minutes}`];
}

export function permissions(rights: readonly string[]): string[] {
  return ['    permissions:', ...rights.map((right) => `      ${right}`)];
}

/** Only pushes of tags start the workflow. */
export function conditionOf({ name }: TargetGuess, tagged: readonly string[]): string {
  return `${tagged.includes(name) ? "github.event_name == 'push' || " : ''}inputs.target == '${name}'`;
}
