import { join } from 'node:path';
import { UserError } from '../../kernel/errors.ts';
import { harmless } from '../../kernel/foreign.ts';
import { tail } from '../../kernel/process/process.ts';
import type { RunContext, ToolRun } from '../tool.ts';

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

const lastLines = 15;

/** Messages of installers and their meaning: the first match counts. */
const meanings: readonly (readonly [said: RegExp, why: string, hint: string])[] = [
  [
    /ensurepip is not\s+available|No module named '?(?:venv|ensurepip)/,
    'this Python cannot create virtual environments',
    'Install its venv module: `apt-get install python3-venv` on Debian and Ubuntu.',
  ],
  [
    /No space left on device|Disk quota exceeded/i,
    'the disk is full',
    'Free disk space in the folder of Sluice’s cache.',
  ],
  [
    /\b40[13] (?:Client )?Error|client error \(40[13]|\b401 Unauthorized|User for \S+:/,
    'the package index requires a login',
    'Set the variable with the login (PIP_INDEX_URL, UV_INDEX_…) in the job, and name it in checks.env of sluice.yml.',
  ],
  [
    /name resolution|Name or service not known|ConnectionError|Connection refused|Network is unreachable|error sending request|dns error|Could not connect|All attempts to connect|read timed out|ProxyError/i,
    'cannot reach the package index',
    'Check the network and the index (PIP_INDEX_URL, UV_INDEX_URL). Environments that are already installed need neither.',
  ],
  [
    /ResolutionImpossible|conflicting dependencies|No solution found|version solving failed/i,
    'the required versions conflict',
    'The output below names them. Fix them in the requirements.',
  ],
  [
    /pyproject\.toml changed significantly|lock ?file .{0,300}needs to be updated|poetry\.lock is not up to date/i,
    'the lock file no longer matches pyproject.toml',
    'Run `uv lock` or `poetry lock` and commit the lock file.',
  ],
  [
    /No matching distribution found for|Could not find a version that satisfies/,
    'a package or its version does not exist for this Python',
    'Check the name, and that the version supports this version of Python.',
  ],
  [
    /do not match the hashes|Hash mismatch/i,
    'the hash of a package differs from the locked one',
    'Find out why before you continue. Update the lock file only if you trust the index.',
  ],
];

/** @param what the command, as a person types it. */
export function installFailure(what: string, run: ToolRun): UserError {
  const said = `${run.stdout}\n${run.stderr}`;
  const meaning = meanings.find(([pattern]) => pattern.test(said));
  const output = tail(harmless(run.stderr.trim() === '' ? run.stdout : run.stderr), lastLines);
  const why = meaning?.[1] ?? `exit code ${run.code}`;
  return new UserError({
    code: 'checks.environment',
    message: `${what} failed: ${why}`,
    ...(meaning === undefined ? {} : { hint: meaning[2] }),
    ...(output.trim() === '' ? {} : { output }),
  });
}
