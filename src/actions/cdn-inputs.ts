import { place } from './step/credentials.ts';
import { choice, flag, text, type Values } from './step/inputs.ts';

/** Inputs of the pipeline too. */
export const publishInputs = { dist: text, 'allow-removals': flag(false), verify: flag(true) } as const;

const command = choice('publish', 'plan', 'rollback', 'verify', 'dist');
export const inputs = { target: text, command, name: text, to: text, ...publishInputs, ...place } as const;
export type SiteInputs = Values<typeof inputs>;

/** `plan` with `to` plans a rollback. */
export function goesBack({ command, to }: SiteInputs): boolean {
  return command === 'rollback' || (command === 'plan' && to !== undefined);
}

export function rules(given: SiteInputs): string[] {
  const { command, to, name, dist, 'allow-removals': allowRemovals } = given;
  const isPublished = !goesBack(given) && command !== 'verify' && command !== 'dist';
  const ofFolder = [
    ...(name === undefined ? [] : ['name']),
    ...(dist === undefined ? [] : ['dist']),
    ...(allowRemovals ? ['allow-removals'] : []),
  ];
  return [
    ...(to !== undefined && !goesBack(given)
      ? [`to applies to a rollback or to its plan, but command is ${command}`]
      : []),
    ...(ofFolder.length > 0 && !isPublished
      ? [
          `${ofFolder.join(', ')} apply only when a folder is published, but command is ${command}${command === 'plan' ? ' of a rollback' : ''}`,
        ]
      : []),
  ];
}
