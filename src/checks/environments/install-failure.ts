import { UserError } from '../../kernel/errors.ts';
import { harmless } from '../../kernel/foreign.ts';
import { tail } from '../../kernel/process/process.ts';
import type { ToolRun } from '../tool.ts';

const lastLines = 15;

/** What installers say, and what it means: the first that fits. */
const meanings: readonly (readonly [said: RegExp, why: string, hint: string])[] = [
  [
    /ensurepip is not\s+available|No module named '?(?:venv|ensurepip)/,
    'this Python can’t make virtual environments',
    'Install its venv module: `apt-get install python3-venv` on Debian and Ubuntu.',
  ],
  [
    /No space left on device|Disk quota exceeded/i,
    'the disk is full',
    'Make room in the folder of Sluice’s cache.',
  ],
  [
    /\b40[13] (?:Client )?Error|client error \(40[13]|\b401 Unauthorized|User for \S+:/,
    'the package index asks for a login',
    'Give the job the variable with the login (PIP_INDEX_URL, UV_INDEX_…), and pass it on: checks.env in sluice.yml.',
  ],
  [
    /name resolution|Name or service not known|ConnectionError|Connection refused|Network is unreachable|error sending request|dns error|Could not connect|All attempts to connect|read timed out|ProxyError/i,
    'the package index could not be reached',
    'Is the network there, and the index (PIP_INDEX_URL, UV_INDEX_URL) right? What was installed before needs neither.',
  ],
  [
    /ResolutionImpossible|conflicting dependencies|No solution found|version solving failed/i,
    'the versions asked for exclude each other',
    'The lines below say which; mend them in the requirements.',
  ],
  [
    /pyproject\.toml changed significantly|lock ?file .{0,300}needs to be updated|poetry\.lock is not up to date/i,
    'its lock does not fit its pyproject.toml any more',
    'Lock anew (`uv lock`, `poetry lock`) and commit the lock.',
  ],
  [
    /No matching distribution found for|Could not find a version that satisfies/,
    'a package, or that version of it, does not exist for this Python',
    'Is the name right, and does the version exist for this version of Python?',
  ],
  [
    /do not match the hashes|Hash mismatch/i,
    'a package is not the one that was locked: its hash differs',
    'Do not go on before you know why. Lock anew only if the index itself is trusted.',
  ],
];

/** @param what the command, as a person would type it. */
export function installFailure(what: string, run: ToolRun): UserError {
  const said = `${run.stdout}\n${run.stderr}`;
  const meaning = meanings.find(([pattern]) => pattern.test(said));
  const output = tail(harmless(run.stderr.trim() === '' ? run.stdout : run.stderr), lastLines);
  const why = meaning?.[1] ?? `it ended with exit code ${run.code}`;
  return new UserError({
    code: 'checks.environment',
    message: `${what} failed: ${why}`,
    ...(meaning === undefined ? {} : { hint: meaning[2] }),
    ...(output.trim() === '' ? {} : { output }),
  });
}
