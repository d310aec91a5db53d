import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import type { Mask } from '../kernel/masking/mask.ts';
import { retryAfterMs } from '../kernel/retry.ts';
import { type DeployReport, scrubReport } from './model.ts';
import { slackMessage } from './slack.ts';

export interface NotifyEffects {
  readonly fetch: typeof fetch;
  /** Ends a notification that has not been sent; after a canceled deploy this is a separate signal. */
  readonly signal: AbortSignal;
  readonly log: Pick<Log, 'warn'>;
  readonly clock: Clock;
  readonly mask: Mask;
}

const tries = 2;
const timeoutMs = 5_000;
/** Longest wait between attempts: if the webhook asks for more, there is no retry, because a deploy must not wait. */
const longestWaitMs = 5_000;
const defaultWaitMs = 1_000;

/**
 * Posts the report to a Slack-compatible incoming webhook. It never fails the deploy: every failure is a warning, which
 * never contains the URL, because anyone who knows it can post.
 *
 * @returns whether the message was accepted.
 */
export async function notifySlack(
  report: DeployReport,
  webhookUrl: string,
  effects: NotifyEffects,
): Promise<boolean> {
  const failed = (why: string) => {
    effects.log.warn(`Slack was not notified: ${why} [notify.slack]`);
    return false;
  };
  effects.mask.add(webhookUrl);
  const url = webhookUrl.trim();
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) return failed('the webhook is not an http(s) URL');
  try {
    const body = JSON.stringify(slackMessage(scrubReport(report, effects.mask)));
    for (let attempt = 1; ; attempt++) {
      const answer = await post(url, body, effects);
      if (answer.accepted) return true;
      if (attempt === tries || answer.retryAfterMs === undefined || effects.signal.aborted)
        return failed(answer.why);
      if (answer.retryAfterMs > longestWaitMs) {
        return failed(`${answer.why} and asks to wait ${Math.ceil(answer.retryAfterMs / 1000)} s`);
      }
      await effects.clock.sleep(answer.retryAfterMs, effects.signal);
    }
  } catch {
    return failed(effects.signal.aborted ? 'the run was cancelled' : 'the message could not be sent');
  }
}

type Answer =
  | { readonly accepted: true }
  /** Without `retryAfterMs`, a retry is useless. */
  | { readonly accepted: false; readonly why: string; readonly retryAfterMs?: number };

async function post(url: string, body: string, effects: NotifyEffects): Promise<Answer> {
  const { clock, signal } = effects;
  const ended = new AbortController();
  // Raced, not only aborted: a fetch that ignores the signal must not delay the deploy, either.
  const timeout = clock.sleep(timeoutMs, AbortSignal.any([signal, ended.signal])).then(() => undefined);
  timeout.catch(() => {}); // rejects when the answer came first
  try {
    const answer = await Promise.race([
      request(url, body, AbortSignal.any([signal, ended.signal]), effects),
      timeout,
    ]);
    return answer ?? { accepted: false, why: `no answer within ${timeoutMs / 1000} s` };
  } finally {
    ended.abort();
  }
}

async function request(
  url: string,
  body: string,
  signal: AbortSignal,
  effects: NotifyEffects,
): Promise<Answer> {
  let response: Response;
  try {
    response = await effects.fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json; charset=utf-8' },
      body,
      // A redirected POST becomes a GET: the message is lost but looks delivered.
      redirect: 'manual',
      signal,
    });
  } catch (error) {
    if (signal.aborted) throw error;
    return { accepted: false, why: networkReason(error), retryAfterMs: defaultWaitMs };
  }
  if (response.ok) {
    await response.body?.cancel();
    return { accepted: true };
  }
  const why = `the webhook answered ${response.status}${await slackReason(response)}`;
  if (response.status !== 429 && response.status < 500) return { accepted: false, why };
  return {
    accepted: false,
    why,
    retryAfterMs: retryAfterMs(response.headers.get('retry-after'), effects.clock.now()) ?? defaultWaitMs,
  };
}

/** Only the system's code: messages of fetch quote the URL. */
function networkReason(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return /^[A-Z_]+$/.test(code) ? `the webhook cannot be reached (${code})` : 'the webhook cannot be reached';
}

/** Slack names the error in one word (`no_service`); other texts may quote the URL and are omitted. */
async function slackReason(response: Response): Promise<string> {
  const text = (await response.text().catch(() => '')).trim();
  return /^[a-z]+(_[a-z]+)+$/.test(text) && text.length <= 60 ? ` (${text})` : '';
}
