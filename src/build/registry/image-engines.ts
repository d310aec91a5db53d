import type { Host } from '../../host/model.ts';
import { messageOf } from '../../kernel/errors.ts';
import { runProcess, tail } from '../../kernel/process.ts';

/** An engine that may have an image already: asking it costs no request of a registry. */
export interface ImageEngine {
  /** How messages name it. */
  readonly name: string;
  /**
   * @returns the answer of `docker image inspect`; undefined: the engine does not have the image.
   * @throws Error if the engine does not answer.
   */
  readonly inspect: (reference: string, signal: AbortSignal) => Promise<unknown>;
}

/** The engine where Sluice runs, as the docker command finds it. */
export function localEngine(env: Readonly<Record<string, string | undefined>>): ImageEngine {
  return {
    name: 'the local engine',
    inspect: async (reference, signal) => {
      const argv = ['docker', 'image', 'inspect', '--format', '{{json .}}', '--', reference] as const;
      const { code, stdout, stderr } = await runProcess(argv, { env, signal });
      if (code === 0) return JSON.parse(stdout) as unknown;
      if (/no such image/i.test(stderr)) return undefined;
      throw new Error(tail(stderr || stdout, 1));
    },
  };
}

/** The engine of a server. */
export function hostEngine({ name, engine }: Pick<Host, 'name' | 'engine'>): ImageEngine {
  return {
    name,
    inspect: async (reference) => {
      try {
        return await engine.getImage(reference).inspect();
      } catch (error) {
        if ((error as { statusCode?: unknown }).statusCode === 404) return undefined;
        throw new Error(messageOf(error), { cause: error });
      }
    },
  };
}
