import type { StoreSettings } from '../../config/site.ts';
import type { Clock } from '../../kernel/clock.ts';
import { messageOf, UserError } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import { retryAfterMs } from '../../kernel/retry.ts';
import { type HttpAnswer, type HttpClient, openHttp } from '../aws/http.ts';
import { type AwsKeys, emptySha256, encodeQuery, type Signer } from '../aws/sign.ts';
import type { RequestCounts } from '../model.ts';
import { noRequests } from '../plan/counts.ts';
import type { StoreAddress } from './address.ts';
import { type Refusal, refusalOf, refused, verdictOf, wordsOf } from './answer.ts';
import type { Pace } from './pace.ts';
import { leasePath } from './places.ts';
import { codeOf, lossOf, patience, pauseMs, triesAtNobody } from './retry.ts';

/** One request as it is meant, whatever it takes until it is answered. */
export interface StoreRequest {
  readonly kind: keyof RequestCounts;
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** The bucket itself without one. */
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: RequestBody;
  /** Not counted as a request: part of mending what a lost answer left open. */
  readonly again?: boolean;
}

export interface RequestBody {
  /** Asked for each try, so that no bytes lie in memory between them. */
  readonly load: () => Uint8Array | Promise<Uint8Array>;
  /** Told when what was loaded is not needed any more. */
  readonly release?: (bytes: Uint8Array) => void;
  /** SHA-256 in hex. */
  readonly sha256: string;
}

export interface StoreAnswer {
  readonly answer: HttpAnswer;
  /** What the store won't do, for the caller to judge; undefined if it did it. */
  readonly refusal: Refusal | undefined;
  /** An earlier try got no answer: it may have been carried out. */
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

/** Requests to one bucket: signed, at the store's pace, repeated until they are answered, counted. */
export interface Requests {
  /** @returns an answer that repeating won't change. Rejects with UserError `cdn.store-unreachable`. */
  send(request: StoreRequest): Promise<StoreAnswer>;
  /** The same for what must be cleaned up even when the run has been cancelled: tried once then, for seconds. Never rejects. */
  cleanUp(request: StoreRequest): Promise<void>;
  /** What a person is told about a refusal. */
  refuse(refusal: Refusal, request: StoreRequest): Promise<UserError>;
  counts(): { readonly requests: RequestCounts; readonly retries: number };
  /** Whether the store is Ceph's gateway: where it differs it does so silently. Undefined before the first answer. */
  isCeph(): boolean | undefined;
}

/** A job that is cancelled has about seven seconds for everything. */
const lastWordMs = 3000;

/** A heartbeat on a connection that is dead must be repeated before the lease is lost. */
const heartbeatMs = 8000;

/** `tx` and a counter in hex, then the time: no other store writes the number of a request like this. */
const cephRequest = /^tx[0-9a-f]{16,}-/;

export function createRequests(options: RequestsOptions): Requests {
  const { settings, name, address, http, sign, pace, clock, signal, log } = options;
  const counted: Record<keyof RequestCounts, number> = { ...noRequests };
  let retries = 0;
  let ceph: boolean | undefined;
  const heartbeat = settings.prefix + leasePath;

  async function once(request: StoreRequest, client = http): Promise<HttpAnswer> {
    const { body } = request;
    const bytes = await body?.load();
    try {
      return await sendBytes(request, bytes, client);
    } finally {
      if (bytes !== undefined) body?.release?.(bytes);
    }
  }

  async function sendBytes(
    { method, query = {}, key, body, headers: given }: StoreRequest,
    bytes: Uint8Array | undefined,
    client: HttpClient,
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
      ...(key === heartbeat ? { silenceMs: heartbeatMs } : {}),
    });
  }

  /** One try in its turn. */
  async function attempt(request: StoreRequest) {
    // Behind hundreds of files on a slow line a heartbeat would come too late, and the files with it.
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
      // A file that can't be read, keys that can't be had: no fault of the store's. Without a code it is a bug of ours.
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
        if (loss === 'untrusted' || (loss === 'nobody' && ceph === undefined && tries >= triesAtNobody))
          throw unreachable(why);
      } else {
        const { answer, refusal, verdict } = result;
        if (refusal === undefined) return { answer, refusal, unsure };
        const learnt = refusal.status === 403 && sign.learnTime(answer.headers.date);
        // Of requests that are refused together, the first one learns for all.
        if (refusal.status === 403 && signedAgain < 2 && (learnt || sign.ahead() !== ahead)) {
          signedAgain += 1;
          log.detail(`The clock here differs from that of ${name}: requests are signed with its time`);
          continue;
        }
        if (verdict === 'no') return { answer, refusal, unsure };
        // A server that failed in the middle may have done it.
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

  function unreachable(why: string, tries?: number): UserError {
    return new UserError({
      code: 'cdn.store-unreachable',
      message: `${name} at ${address.endpoint} cannot be reached${tries === undefined ? '' : ` or is too busy (${tries} tries)`}: ${why}`,
      ...hintFor(why, address),
    });
  }

  async function refuse(refusal: Refusal, request: StoreRequest): Promise<UserError> {
    const { accessKeyId } = await options.keys();
    const what = request.key?.slice(settings.prefix.length) ?? 'the bucket';
    return refused(refusal, {
      kind: request.kind,
      what: `${request.method} ${what}`,
      store: name,
      bucket: settings.bucket,
      endpoint: address.endpoint,
      region: address.region,
      accessKeyId,
    });
  }

  return { send, cleanUp, refuse, counts: () => ({ requests: { ...counted }, retries }), isCeph: () => ceph };
}

function hintFor(why: string, { origin, base }: StoreAddress): { hint?: string } {
  if (/CERT|SELF_SIGNED|UNABLE_TO_/.test(why)) {
    return {
      hint: 'If the certificate is of an authority of your own, name its file in NODE_EXTRA_CA_CERTS.',
    };
  }
  if (!why.startsWith('ENOTFOUND')) return {};
  const byHost = base === '' ? ' A store that has no names for buckets needs cdn.style: path.' : '';
  return { hint: `There is no host ${origin.hostname}: check cdn.endpoint and cdn.region.${byHost}` };
}

/** An answer of success that lacks what it must have. */
export function unexpected({ answer }: StoreAnswer): Refusal {
  return {
    status: answer.status,
    code: undefined,
    message: `an answer that S3 does not give (status ${answer.status})`,
    region: undefined,
  };
}
