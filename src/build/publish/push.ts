import { parseImage } from '../../config/images/reference.ts';
import type { Clock } from '../../kernel/clock.ts';
import { messageOf, UserError } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import type { ChildEnv } from '../../kernel/process/child-env.ts';
import { runProcess, tail } from '../../kernel/process/process.ts';
import { retry } from '../../kernel/retry.ts';
import type { PlannedTarget } from '../plan.ts';
import { denied, isPassing, pushBroken, throttled, unexpected } from '../registry/errors.ts';
import type { Registry } from '../registry/model.ts';
import { bytesOf, imageFacts, newBytes } from './layers.ts';
import { isRoot } from './smoke.ts';

export interface PushEffects {
  readonly env: ChildEnv;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly log: { detail(message: string): void };
}

interface StoreEffects extends PushEffects {
  readonly log: Pick<Log, 'detail' | 'step'>;
  readonly registry: (host: string) => Registry;
  readonly hasLogin: (host: string) => boolean;
}

/** A new image, in the engine or pushed by the build. */
export interface BuiltImage {
  readonly planned: PlannedTarget;
  /** Its reference in the engine; undefined: the build has pushed it, by its digest. */
  readonly stored: string | undefined;
  readonly digest: string;
  /** Whether its files changed during the build, so that it must not get the tag of its tree. */
  readonly isLost: boolean;
}

/**
 * Pushes an image that is still in the engine, and tags it by its tree. No release's tag points to it afterwards.
 *
 * @param known blobs that the repository had before the build.
 * @param nonce for a temporary tag.
 * @throws UserError `registry.*`, `build.push`
 */
export async function storeInRegistry(
  { planned, stored, digest, isLost }: BuiltImage,
  known: ReadonlySet<string>,
  nonce: string,
  effects: StoreEffects,
) {
  const { target, treeTag, action } = planned;
  const pushed = stored === undefined ? undefined : await pushStored(planned, stored, isLost, nonce, effects);
  const { registry: host, repository } = parseImage(target.repository, target.name);
  const registry = effects.registry(host);
  const reference = pushed?.tag ?? digest;
  const manifest = await registry.manifest(repository, reference);
  if (manifest === undefined)
    throw unexpected(host, `${repository}:${reference} was pushed, but does not exist`);
  const facts = await imageFacts(registry, repository, manifest);
  if (pushed === undefined && !isLost && treeTag !== undefined)
    await registry.put(repository, treeTag, manifest);
  const sentByCache = action.kind === 'build' && action.cache.to.some((to) => to.startsWith('type=registry'));
  return {
    manifest,
    pushedBytes:
      pushed !== undefined && !sentByCache ? bytesOf(facts, pushed.layers) : newBytes(facts, known),
    /** Only for images that the build pushed; localRoots() checks those in the engine. */
    runsAsRoot: pushed === undefined && facts.some(({ user }) => isRoot(user)),
  };
}

async function pushStored(
  { target }: PlannedTarget,
  holding: string,
  isLost: boolean,
  nonce: string,
  effects: StoreEffects,
): Promise<{ readonly tag: string; readonly layers: readonly string[] }> {
  const { registry } = parseImage(target.repository, target.name);
  const reference = isLost ? `${target.repository}:build-${nonce}` : holding;
  if (isLost)
    await runProcess(['docker', 'tag', holding, reference], { env: effects.env, signal: effects.signal });
  const step = effects.log.step(`push ${target.name}`);
  try {
    const { layers } = await pushImage(reference, effects.hasLogin(registry), effects);
    step.done(layers.length === 0 ? 'every layer exists already' : `${layers.length} new layers`);
    return { tag: reference.slice(reference.lastIndexOf(':') + 1), layers };
  } catch (error) {
    step.failed('no tag was set');
    throw error;
  }
}

const pushMs = 30 * 60_000;
const pausesMs = [1_000, 4_000];

/** The result of pushing one image. */
export interface Pushed {
  /** Short ids of layers that the registry did not have, as `docker push` names them. */
  readonly layers: readonly string[];
}

/**
 * `docker push`, with two retries of passing errors: layers that arrived are not sent again.
 *
 * @throws UserError `registry.*`, `build.push`
 */
async function pushImage(reference: string, hadLogin: boolean, effects: PushEffects): Promise<Pushed> {
  const { env, signal } = effects;
  const layers = new Set<string>();
  const push = async () => {
    const result = await runProcess(['docker', 'push', reference], {
      env,
      signal,
      timeoutMs: pushMs,
      onLine: (line) => {
        const id = /^([0-9a-f]{12}): Pushed/.exec(line)?.[1];
        if (id !== undefined) layers.add(id);
      },
    });
    if (result.code !== 0) throw judge(reference, tail(result.stderr || result.stdout, 5), hadLogin).error;
  };
  await retry(push, {
    clock: effects.clock,
    signal,
    pauseMs: (error, attempt) => (isPassing(error) ? pausesMs[attempt - 1] : undefined),
    onRetry: (error) => effects.log.detail(`${messageOf(error)}; retrying`),
  });
  return { layers: [...layers] };
}

/** The error of a failed push, from docker's output, and whether a retry may fix it. */
export function judge(
  reference: string,
  said: string,
  hadLogin: boolean,
): { readonly error: UserError; readonly again: boolean } {
  const host = reference.slice(0, Math.max(0, reference.indexOf('/')));
  if (/no space left on device|disk quota exceeded/i.test(said)) {
    const error = new UserError({
      code: 'build.push',
      message: `${reference}: a disk that keeps the image is full`,
      hint: 'Free space on this machine (docker builder prune, docker image prune) and on the registry.',
      output: said,
    });
    return { error, again: false };
  }
  if (/unauthorized|denied|forbidden|no basic auth|\b40[13]\b/i.test(said)) {
    return { error: denied(host, reference.slice(host.length + 1), said, hadLogin), again: false };
  }
  if (/toomanyrequests|too many requests|\b429\b/i.test(said)) {
    return { error: throttled(host, said), again: true };
  }
  if (
    /\b5\d\d\b|server error|EOF|connection re(?:set|fused)|broken pipe|timeout|timed out|unknown blob|no such host/i.test(
      said,
    )
  ) {
    return { error: pushBroken(host, said), again: true };
  }
  const error = new UserError({
    code: 'build.push',
    message: `Cannot push ${reference}`,
    output: said,
  });
  return { error, again: false };
}
