import type { Clock } from '../../kernel/clock.ts';
import { messageOf, UserError } from '../../kernel/errors.ts';
import type { ChildEnv } from '../../kernel/process/child-env.ts';
import { runProcess, tail } from '../../kernel/process/process.ts';
import { retry } from '../../kernel/retry.ts';
import { denied, isPassing, pushBroken, throttled } from '../registry/errors.ts';

export interface PushEffects {
  readonly env: ChildEnv;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly log: { detail(message: string): void };
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
export async function pushImage(reference: string, hadLogin: boolean, effects: PushEffects): Promise<Pushed> {
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
