import { existsSync } from 'node:fs';
import { UserError, UserErrors } from '../kernel/errors.ts';
import type { BuildTarget } from './model.ts';

/**
 * Variables that hold the build's secrets, for buildx to read by name; they are part of nothing that is stored.
 *
 * @throws UserErrors `build.secret`: one that is missing would fail in the midst of the build.
 */
export function secretVariables(
  targets: readonly BuildTarget[],
  values: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const errors: UserError[] = [];
  const found: Record<string, string> = {};
  for (const { name, secrets } of targets) {
    for (const { id, env, file } of secrets) {
      if (file !== undefined) {
        if (!existsSync(file)) errors.push(missing(name, id, `the file ${file} does not exist`));
        continue;
      }
      const value = values[env ?? id];
      if (value === undefined || value === '') errors.push(missing(name, id, `${env ?? id} is not set`));
      else found[env ?? id] = value;
    }
  }
  if (errors.length > 0) throw new UserErrors(errors);
  return found;
}

function missing(target: string, id: string, why: string): UserError {
  return new UserError({
    code: 'build.secret',
    message: `${target} needs the build secret ${id}, and ${why}`,
    hint: 'Set it before running Sluice; in a workflow by `env:`, from the repository’s secrets.',
  });
}
