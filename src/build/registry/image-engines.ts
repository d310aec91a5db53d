import { dockerEnv } from '../../kernel/process/child-env.ts';
import { runProcess, tail } from '../../kernel/process/process.ts';

/** An engine that may have an image already, which saves a request to a registry. */
export interface ImageEngine {
  /** Its name in messages. */
  readonly name: string;
  /**
   * @returns the answer of `docker image inspect`; undefined: the engine does not have the image.
   * @throws Error if the engine does not answer.
   */
  readonly inspect: (reference: string, signal: AbortSignal) => Promise<unknown>;
}

/** Runs a command where an engine is: on this machine, or on a server. */
export type RunThere = (
  argv: readonly [string, ...string[]],
  signal: AbortSignal,
) => Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;

/** An engine that is queried with the docker command. */
export function commandEngine(name: string, run: RunThere): ImageEngine {
  return {
    name,
    inspect: async (reference, signal) => {
      const argv = ['docker', 'image', 'inspect', '--format', '{{json .}}', '--', reference] as const;
      const { code, stdout, stderr } = await run(argv, signal);
      if (code === 0) return JSON.parse(stdout) as unknown;
      if (/no such image/i.test(stderr)) return undefined;
      throw new Error(tail(stderr || stdout, 1));
    },
  };
}

/** The engine where Sluice runs, as the docker command finds it. */
export function localEngine(env: Readonly<Record<string, string | undefined>>): ImageEngine {
  return commandEngine('the local engine', (argv, signal) =>
    runProcess(argv, { env: dockerEnv(env), signal }),
  );
}
