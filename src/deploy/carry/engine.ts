import { UserError } from '../../kernel/errors.ts';
import { runProcess, tail } from '../../kernel/process.ts';

export interface EngineEffects {
  /** Of Sluice itself: DOCKER_HOST and the docker context count. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/**
 * Makes sure that the engine where Sluice runs has the images that a host lacks.
 *
 * @returns the diff ids of each.
 * @throws UserError `image.nowhere`.
 */
export async function requireLocal(
  references: readonly string[],
  hosts: readonly string[],
  effects: EngineEffects,
): Promise<readonly (readonly string[])[]> {
  if (references.length === 0) return [];
  const format = '{{json .RootFS.Layers}}';
  const result = await runProcess(['docker', 'image', 'inspect', '--format', format, ...references], {
    env: effects.env,
    signal: effects.signal,
    timeoutMs: 60_000,
  });
  if (result.code === 0) {
    const lines = result.stdout.trim().split('\n');
    return lines.map((line) => (JSON.parse(line) as string[] | null) ?? []);
  }
  const missing = references.filter((reference) =>
    result.stderr.toLowerCase().includes(`image: ${reference}`),
  );
  throw new UserError({
    code: 'image.nowhere',
    message: `${hosts.join(', ')} ${hosts.length === 1 ? 'lacks' : 'lack'} ${(missing.length > 0 ? missing : references).join(', ')}, and so does the Docker engine where Sluice runs`,
    hint: 'Run `sluice build --images images.json` on this machine first, and deploy with the file it writes; or roll back to a release that the hosts still have.',
    output: tail(result.stderr, 5),
  });
}
