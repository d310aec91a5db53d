import { carriedDigest } from '../../config/images/transferred.ts';
import { UserError } from '../../kernel/errors.ts';
import { dockerEnv } from '../../kernel/process/child-env.ts';
import { type ProcessResult, runProcess, tail } from '../../kernel/process/process.ts';
import { streamProcess } from '../../kernel/process/stream.ts';
import { readTar } from '../../kernel/tar.ts';
import type { Manifest, Registry } from './model.ts';

export interface EngineRegistryEffects {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

interface Inspected {
  readonly Id: string;
  readonly RepoTags?: readonly string[] | null;
  readonly RepoDigests?: readonly string[] | null;
  /** Engines from 28 on set it if they use containerd's store. */
  readonly Descriptor?: unknown;
}

/**
 * The engine where Sluice runs, used like a registry for images that a deploy transfers to the hosts. The image itself
 * serves as its manifest; its digest is that of the configuration.
 */
export function engineRegistry(effects: EngineRegistryEffects): Registry {
  const docker = (...args: readonly string[]): Promise<ProcessResult> =>
    runProcess(['docker', ...args], { ...effects, env: dockerEnv(effects.env), timeoutMs: 120_000 });

  async function manifest(repository: string, reference: string): Promise<Manifest | undefined> {
    const name = `localhost/${repository}:${reference}`;
    const result = await docker('image', 'inspect', '--format', '{{json .}}', name);
    if (result.code !== 0) {
      if (/no such image/i.test(result.stderr)) return undefined;
      throw silent(result);
    }
    const image = JSON.parse(result.stdout) as Inspected;
    const digest = await configDigest(image, name, repository, effects);
    return { digest, mediaType: 'application/vnd.oci.image.config.v1+json', text: image.Id };
  }

  return {
    host: 'localhost',
    manifest,
    head: manifest,
    json: () => Promise.reject(new Error('an engine has no blobs to read')),
    put: async (repository, tag, { text }) => {
      const result = await docker('tag', text, `localhost/${repository}:${tag}`);
      if (result.code !== 0) throw silent(result);
    },
    tags: async (repository) => {
      const result = await docker('image', 'ls', '--format', '{{.Tag}}', `localhost/${repository}`);
      if (result.code !== 0) throw silent(result);
      return result.stdout.split('\n').filter((tag) => tag !== '' && tag !== '<none>');
    },
    deleteTag: async (repository, tag) => {
      const result = await docker('image', 'rm', '--no-prune', `localhost/${repository}:${tag}`);
      return result.code === 0;
    },
    checkPush: async () => {},
  };
}

/**
 * The older store identifies an image by its configuration. Containerd's identifies it by its manifest and does not report
 * the configuration, but Sluice's images have a tag with it; a new image is read once to compute it.
 */
async function configDigest(
  image: Inspected,
  name: string,
  repository: string,
  effects: EngineRegistryEffects,
): Promise<string> {
  const hasManifest = (image.RepoDigests ?? []).some((digest) => digest.endsWith(`@${image.Id}`));
  if (!hasManifest && image.Descriptor === undefined) return image.Id;
  for (const tag of image.RepoTags ?? []) {
    const digest = carriedDigest(tag);
    if (digest !== undefined && tag.startsWith(`localhost/${repository}:`)) return digest;
  }
  let list = '';
  const { code, stderr } = await streamProcess(
    ['docker', 'save', name],
    { ...effects, env: dockerEnv(effects.env) },
    (stdout) =>
      readTar(stdout, async ({ path, content }) => {
        if (path !== 'manifest.json') return;
        for await (const part of content) list += part.toString();
      }),
  );
  const [, hex] = /"Config":"(?:blobs\/sha256\/)?([0-9a-f]{64})/.exec(list) ?? [];
  if (code === 0 && hex !== undefined) return `sha256:${hex}`;
  throw silent({ code, stderr, stdout: '' });
}

function silent({ stderr, stdout }: ProcessResult): UserError {
  return new UserError({
    code: 'build.builder',
    message: 'The Docker engine on this machine failed a command that `registry: none` needs',
    hint: 'Check that it runs. Its output is below.',
    output: tail(stderr || stdout, 5),
  });
}
