import { UserError } from '../../kernel/errors.ts';
import { dockerEnv } from '../../kernel/process/child-env.ts';
import { runProcess, tail } from '../../kernel/process/process.ts';
import { type Platform, platformsIn } from '../preflight/platforms.ts';

export interface EngineEffects {
  /** Environment of Sluice, with DOCKER_HOST and the docker context. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** An image of the engine where Sluice runs. */
export interface LocalImage {
  readonly reference: string;
  readonly diffIds: readonly string[];
  readonly platforms: readonly Platform[];
}

/**
 * Checks that the engine where Sluice runs has the images that hosts lack.
 *
 * @returns their diff ids and platforms.
 * @throws UserError `image.nowhere`.
 */
export async function requireLocal(
  references: readonly string[],
  hosts: readonly string[],
  effects: EngineEffects,
): Promise<readonly LocalImage[]> {
  if (references.length === 0) return [];
  const format =
    '{"diffIds":{{json .RootFS.Layers}},"os":{{json .Os}},"architecture":{{json .Architecture}}}';
  const result = await runProcess(['docker', 'image', 'inspect', '--format', format, ...references], {
    env: dockerEnv(effects.env),
    signal: effects.signal,
    timeoutMs: 60_000,
  });
  if (result.code === 0) {
    const lines = result.stdout.trim().split('\n');
    return lines.map((line, index) => {
      const { diffIds, ...platform } = JSON.parse(line) as { readonly diffIds: string[] | null };
      return {
        reference: references[index] ?? '',
        diffIds: diffIds ?? [],
        platforms: platformsIn([platform]),
      };
    });
  }
  const missing = references.filter((reference) =>
    result.stderr.toLowerCase().includes(`image: ${reference}`),
  );
  throw new UserError({
    code: 'image.nowhere',
    message: `Neither ${hosts.join(', ')} nor the Docker engine where Sluice runs has ${(missing.length > 0 ? missing : references).join(', ')}`,
    hint: 'Run `sluice build --images images.json` on this machine first, and deploy with the file it writes. Or roll back to a release that the hosts still have.',
    output: tail(result.stderr, 5),
  });
}
