import { openRegistries } from '../../build/registry/client.ts';
import {
  commandEngine,
  type ImageEngine,
  localEngine,
  readImageConfigs,
} from '../../build/registry/image-config.ts';
import { environmentLogins } from '../../build/registry/logins.ts';
import { passwordRegistry } from '../../config/images/app-registry.ts';
import { type ImageAnswers, orKnown } from '../../config/images/service-images.ts';
import type { Config } from '../../config/model.ts';
import type { RemoteFiles, ResolveEffects } from '../../config/resolve.ts';
import type { DeployEffects } from '../../deploy/context.ts';

/** A deploy waits this long; the plan lists images that did not answer. */
const deadlineMs = 6_000;

/**
 * Reads image configurations from the server's engine, the local one and the registry, in this order and without a pull.
 * None of them has an image that is built for the first time: its Dockerfile is read instead.
 */
export function imageAsker(
  config: Pick<Config, 'app' | 'registry'>,
  effects: Pick<DeployEffects, 'env' | 'signal' | 'mask' | 'clock'>,
): NonNullable<ResolveEffects['askImages']> {
  const asked = new Map<string, Promise<ImageAnswers>>();
  // All hosts of a target run the same images.
  return (references, remote) => {
    const key = JSON.stringify(references);
    const answers = asked.get(key) ?? askAll(config, effects, references, remote);
    asked.set(key, answers);
    return answers;
  };
}

async function askAll(
  config: Pick<Config, 'app' | 'registry'>,
  effects: Pick<DeployEffects, 'env' | 'signal' | 'mask' | 'clock'>,
  references: Readonly<Record<string, string>>,
  remote: RemoteFiles | undefined,
): Promise<ImageAnswers> {
  const { env, signal } = effects;
  // Engines know images by the reference they were pulled as; a digest names the same image on all hosts.
  const answers = await readImageConfigs(Object.values(references), undefined, {
    engines: [...serverEngine(remote), localEngine(env)],
    registries: (end) =>
      openRegistries(environmentLogins(env, ownRegistry(config, env)), {
        ...effects,
        fetch,
        signal: end,
        tries: 1,
      }),
    signal,
    deadlineMs,
  });
  const images: Record<string, ImageAnswers['images'][string]> = Object.create(null);
  const unread: Record<string, string> = Object.create(null);
  for (const [service, reference] of Object.entries(references)) {
    const answer = answers.get(reference) ?? { unresolved: 'no engine or registry was queried' };
    if ('config' in answer) images[service] = answer.config;
    else unread[service] = answer.unresolved;
  }
  return orKnown({ images, unread }, references);
}

/** Without `registry:` it is unknown which images are built here: the request goes without the password. */
function ownRegistry(
  config: Pick<Config, 'app' | 'registry'>,
  env: DeployEffects['env'],
): string | undefined {
  return config.registry === undefined ? undefined : passwordRegistry(config, [], env);
}

/** The engine of a server, over the open connection. */
function serverEngine(remote: RemoteFiles | undefined): ImageEngine[] {
  return remote === undefined ? [] : [commandEngine('the engine of the server', (argv) => remote.exec(argv))];
}
