import type { StoreSettings } from '../../config/site.ts';
import type { Clock } from '../../kernel/clock.ts';
import { messageOf, UserError } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import { retryAfterMs } from '../../kernel/retry.ts';
import { type HttpAnswer, type HttpClient, openHttp } from '../aws/http.ts';
import { type AwsKeys, emptySha256, encodeQuery, type Signer } from '../aws/sign.ts';
import type { RequestCounts } from '../model.ts';
import { noRequests } from '../store.ts';
import type { StoreAddress } from './address.ts';
import { type Refusal, refusalOf, refused, verdictOf, wordsOf } from './answer.ts';
import type { Pace } from './pace.ts';
import { leasePath } from './places.ts';
import { codeOf, lossOf, patience, pauseMs, triesUnreachable } from './retry.ts';

/** One request, however many tries it takes. */
export interface StoreRequest {
  readonly kind: keyof RequestCounts;
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Missing for the bucket itself. */
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: RequestBody;
  /** Counted as a retry: a follow-up of a lost answer. */
  readonly again?: boolean;
}

export interface RequestBody {
  /** Called for each try, so that no bytes stay in memory between tries. */
  readonly load: () => Uint8Array | Promise<Uint8Array>;
  /** Called when the loaded bytes are no longer needed. */
  readonly release?: (bytes: Uint8Array) => void;
  /** SHA-256 in hex. */
  readonly sha256: string;
}

export interface StoreAnswer {
  readonly answer: HttpAnswer;
  /** A final refusal for the caller to judge; undefined on success. */
  readonly refusal: Refusal | undefined;
  /** An earlier try got no answer: it may have succeeded. */
  readonly unsure: boolean;
}

export interface RequestsOptions {
  readonly settings: StoreSettings;
  readonly name: string;
  readonly address: StoreAddress;
  readonly http: HttpClient;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly sign: Signer;
  readonly keys: () => Promise<AwsKeys>;
  readonly pace: Pace;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly log: Log;
}

/** Requests to one bucket: signed, paced, retried, counted. */
export interface Requests {
  /** @returns a final answer. Rejects with UserError `cdn.store-unreachable`. */
  send(request: StoreRequest): Promise<StoreAnswer>;
  /** The same for a cleanup. In a cancelled run it is tried once, for seconds. Never rejects. */
  cleanUp(request: StoreRequest): Promise<void>;
  /** The error for a refusal. */
  refuse(refusal: Refusal, request: StoreRequest): Promise<UserError>;
  counts(): { readonly requests: RequestCounts; readonly retries: number };
  /** Whether the store is Ceph's gateway: it differs without an error. Undefined before the first answer. */
  isCeph(): boolean | undefined;
}

/** A job that is cancelled has about seven seconds for everything. */
const lastWordMs = 3000;

/** A heartbeat on a dead connection must be repeated before the lease is lost. */
const heartbeatMs = 8000;

/** `tx` and a counter in hex, then the time: no other store has request IDs of this form. */
const cephRequest = /^tx[0-9a-f]{16,}-/;

export function createRequests(options: RequestsOptions): Requests {
  const { settings, name, http, sign, pace, clock, signal, log } = options;
  const counted: Record<keyof RequestCounts, number> = { ...noRequests };
  let retries = 0;
  let ceph: boolean | undefined;
  const heartbeat = settings.prefix + leasePath;

  const once = (request: StoreRequest, client = http) => sendOnce(request, client, options);
  const unreachable = (why: string, tries?: number) => unreachableError(options, why, tries);

  async function attempt(request: StoreRequest) {
    // A heartbeat must not wait behind hundreds of files on a slow line.
    const turn = await pace.enter(request.key === heartbeat);
    let outcome: 'answered' | 'busy' = 'answered';
    try {
      const answer = await once(request);
      ceph ??= cephRequest.test(String(answer.headers['x-amz-request-id'] ?? ''));
      const refusal = refusalOf(answer);
      const verdict = refusal === undefined ? 'no' : verdictOf(refusal);
      if (verdict === 'busy') outcome = 'busy';
      return { answer, refusal, verdict };
    } catch (error) {
      // Unreadable files and missing keys are not faults of the store. An error without a code is a bug of
      // ours.
      if (signal.aborted || error instanceof UserError || codeOf(error) === '') throw error;
      outcome = 'busy';
      return { error };
    } finally {
      turn.leave(outcome);
    }
  }

  async function send(request: StoreRequest): Promise<StoreAnswer> {
    if (!request.again) counted[request.kind] += 1;
    const began = clock.elapsed();
    let unsure = false;
    let signedAgain = 0;
    for (let tries = 1; ; tries += 1) {
      if (tries > 1 || request.again) retries += 1;
      const ahead = sign.ahead();
      const result = await attempt(request);
      let asked = 0;
      let why: string;
      if ('error' in result) {
        const loss = lossOf(result.error);
        if (loss === 'lost') unsure = true;
        why = `${codeOf(result.error)}: ${messageOf(result.error)}`;
        if (
          loss === 'untrusted' ||
          (loss === 'unreachable' && ceph === undefined && tries >= triesUnreachable)
        )
          throw unreachable(why);
      } else {
        const { answer, refusal, verdict } = result;
        if (refusal === undefined) return { answer, refusal, unsure };
        const learnt = refusal.status === 403 && sign.learnTime(answer.headers.date);
        // If requests are refused together, the first one corrects the clock for all.
        if (refusal.status === 403 && signedAgain < 2 && (learnt || sign.ahead() !== ahead)) {
          signedAgain += 1;
          log.detail(
            `The clock of this machine differs from that of ${name}; signing requests with the time of the store`,
          );
          continue;
        }
        if (verdict === 'no') return { answer, refusal, unsure };
        // A failing server may have carried it out.
        if (refusal.status >= 500 && refusal.code !== 'SlowDown') unsure = true;
        asked = retryAfterMs(answer.headers['retry-after'], clock.now()) ?? 0;
        why = wordsOf(refusal);
      }
      const pause = pauseMs(tries, asked, Math.random());
      if (tries >= patience.tries || clock.elapsed() - began + pause > patience.ms)
        throw unreachable(why, tries);
      await clock.sleep(pause, signal);
    }
  }

  async function cleanUp(request: StoreRequest): Promise<void> {
    if (!signal.aborted) return void (await send(request).catch(() => {}));
    const client = openHttp(options.env, AbortSignal.timeout(lastWordMs), { connections: 1 });
    await once(request, client).catch(() => {});
    client.close();
  }

  return {
    send,
    cleanUp,
    refuse: (refusal, request) => refusedError(options, refusal, request),
    counts: () => ({ requests: { ...counted }, retries }),
    isCeph: () => ceph,
  };
}

/** Signs a request and sends it once. */
async function sendOnce(
  request: StoreRequest,
  client: HttpClient,
  options: RequestsOptions,
): Promise<HttpAnswer> {
  const { body } = request;
  const bytes = await body?.load();
  try {
    return await sendBytes(request, bytes, client, options);
  } finally {
    if (bytes !== undefined) body?.release?.(bytes);
  }
}

async function sendBytes(
  { method, query = {}, key, body, headers: given }: StoreRequest,
  bytes: Uint8Array | undefined,
  client: HttpClient,
  { address, sign, settings }: RequestsOptions,
): Promise<HttpAnswer> {
  const path = key === undefined ? address.base || '/' : address.path(key);
  const length: Record<string, string> =
    bytes !== undefined || method === 'PUT' || method === 'POST'
      ? { 'content-length': String(bytes?.length ?? 0) }
      : {};
  const headers = await sign({
    method,
    host: address.host,
    path,
    query,
    headers: { ...given, ...length },
    sha256: body?.sha256 ?? emptySha256,
  });
  const search = encodeQuery(query);
  return client.send({
    method,
    origin: address.origin,
    path: search === '' ? path : `${path}?${search}`,
    headers,
    ...(bytes === undefined ? {} : { body: bytes }),
    ...(key === settings.prefix + leasePath ? { silenceMs: heartbeatMs } : {}),
  });
}

function unreachableError({ name, address }: RequestsOptions, why: string, tries?: number): UserError {
  return new UserError({
    code: 'cdn.store-unreachable',
    message: `${name} at ${address.endpoint} cannot be reached${tries === undefined ? '' : ` or is too busy (${tries} tries)`}: ${why}`,
    ...hintFor(why, address),
  });
}

async function refusedError(
  { keys, settings, name, address }: RequestsOptions,
  refusal: Refusal,
  { key, kind, method }: StoreRequest,
): Promise<UserError> {
  const { accessKeyId } = await keys();
  const what = key?.slice(settings.prefix.length) ?? 'the bucket';
  return refused(refusal, {
    kind,
    what: `${method} ${what}`,
    store: name,
    bucket: settings.bucket,
    endpoint: address.endpoint,
    region: address.region,
    accessKeyId,
  });
}

function hintFor(why: string, { origin, base }: StoreAddress): { hint?: string } {
  if (/CERT|SELF_SIGNED|UNABLE_TO_/.test(why)) {
    return {
      hint: 'For a certificate from a private authority, set NODE_EXTRA_CA_CERTS to its file.',
    };
  }
  if (!why.startsWith('ENOTFOUND')) return {};
  const byHost = base === '' ? ' A store without host names for buckets needs cdn.style: path.' : '';
  return { hint: `Host "${origin.hostname}" does not exist. Check cdn.endpoint and cdn.region.${byHost}` };
}

/** The refusal for a successful answer without its required parts. */
export function unexpected({ answer }: StoreAnswer): Refusal {
  return {
    status: answer.status,
    code: undefined,
    message: `an answer that is not part of the S3 API (status ${answer.status})`,
    region: undefined,
  };
}
