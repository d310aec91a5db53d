import { join } from 'node:path';
import type { RunContext } from '../tool.ts';
import { installFailure } from './install-failure.ts';

export type Variables = Readonly<Record<string, string | undefined>>;

/** @throws UserError `checks.environment` */
export async function makeVenv(context: RunContext, python: string, env: string): Promise<void> {
  await install(context, 'python3 -m venv', [python, '-m', 'venv', env], { folder: '' });
}

/** `pip install` of an environment; the requirements follow. */
export function pipInstall(env: string): readonly [string, ...string[]] {
  const options = ['--disable-pip-version-check', '--no-input', '--progress-bar', 'off', '--quiet'];
  return [join(env, 'bin/python'), '-m', 'pip', 'install', ...options];
}

/**
 * Runs a step of an install.
 *
 * @param what the command, as a person types it, for the message.
 * @throws UserError `checks.environment`
 */
export async function install(
  context: RunContext,
  what: string,
  argv: readonly [string, ...string[]],
  options: { readonly folder: string; readonly env?: Variables },
): Promise<void> {
  const run = await context.spawn(argv, options);
  if (run.code !== 0) throw installFailure(what, run);
}
