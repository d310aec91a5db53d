import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { exactEnv } from '../../src/kernel/process/child-env.ts';
import { runProcess } from '../../src/kernel/process/process.ts';

const sluice = new URL('../../bin/sluice', import.meta.url).pathname;
const timeoutMs = 120_000;

/** How a command ended, and all it printed. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** A stack, a signal, a time-out or an exit code that Sluice does not have. */
  readonly crashed: boolean;
  readonly errors: readonly Refusal[];
}

export interface Refusal {
  readonly code: string;
  readonly message: string;
}

/** Exit codes of commands (kernel/run.ts) and of checks (checks/judge.ts) that are no bug. */
const honest = [0, 1, 2, 3, 4];

/** Runs the CLI of this checkout in a folder, with the given variables and none of this process but PATH. */
export async function runSluice(
  args: readonly string[],
  place: { readonly folder: string; readonly home: string; readonly env: Readonly<Record<string, string>> },
): Promise<Ran> {
  return await runNode([sluice, ...args], place);
}

/** Runs a script of this repository as a process of its own: what it breaks is its own. */
export async function runNode(
  argv: readonly string[],
  place: { readonly folder: string; readonly home: string; readonly env: Readonly<Record<string, string>> },
): Promise<Ran> {
  const docker = join(place.home, '.docker');
  await mkdir(docker, { recursive: true });
  const result = await runProcess([process.execPath, ...argv], {
    cwd: place.folder,
    env: exactEnv({
      PATH: process.env.PATH,
      HOME: place.home,
      DOCKER_CONFIG: docker,
      // The result must be the same with an engine and without.
      DOCKER_HOST: 'unix:///nonexistent/docker.sock',
      NO_COLOR: '1',
      ...place.env,
    }),
    timeoutMs,
  });
  const { code, stdout, stderr } = result;
  const crashed = !honest.includes(code) || /^\s+at .+:\d+:\d+\)?$/m.test(stderr);
  return { code, stdout, stderr, crashed, errors: errorsOf(stdout, code, stderr) };
}

/** Errors of a command's JSON document; of wrong arguments, which have none, what stderr says. */
function errorsOf(stdout: string, code: number, stderr: string): Refusal[] {
  const document = jsonOf(stdout) as { errors?: PrintedError[] } | undefined;
  if (document === undefined && code === 2) return [{ code: 'usage', message: stderr.trim() }];
  return (document?.errors ?? []).map(({ code: name = '', message = '', output = '' }) => ({
    code: name,
    message: output === '' ? message : `${message}\n${output}`,
  }));
}

interface PrintedError {
  readonly code?: string;
  readonly message?: string;
  readonly output?: string;
}

/** The JSON document that a command printed; undefined if there is none. */
export function jsonOf(stdout: string): unknown {
  try {
    return JSON.parse(stdout);
  } catch {
    return undefined;
  }
}
