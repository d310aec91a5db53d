import { type Agent, type IncomingMessage, request } from 'node:http';
import type { FailureKind } from './model.ts';

export interface Question {
  readonly method?: 'GET' | 'POST';
  readonly path: string;
  readonly json?: unknown;
  /** `false`: a connection of its own, closed after the answer. */
  readonly agent: Agent | false;
  readonly wanted: number;
  readonly timeoutMs: number;
  /** Text that the answer has to end with: a stream without it was cut politely. */
  readonly ending?: RegExp;
}

export interface Answer {
  readonly version: string | undefined;
}

/** Why a question got no good answer. */
export class Unanswered extends Error {
  readonly kind: FailureKind;
  readonly version: string | undefined;

  constructor(kind: FailureKind, detail: string, version?: string) {
    super(detail);
    this.kind = kind;
    this.version = version;
  }
}

/** Asks once. @throws Unanswered for everything but a whole answer with the wanted status. */
export function ask(base: string, question: Question): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const body = question.json === undefined ? undefined : JSON.stringify(question.json);
  const asking = request(new URL(question.path, base), {
    method: question.method ?? 'GET',
    agent: question.agent,
    headers: {
      ...(question.agent === false ? { connection: 'close' } : {}),
      ...(body === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
    },
  });
  let answer: IncomingMessage | undefined;
  const timer = setTimeout(() => {
    reject(new Unanswered('timeout', `no whole answer in ${question.timeoutMs} ms`, versionOf(answer)));
    asking.destroy();
  }, question.timeoutMs);
  const broken = (error: Error & { code?: string }) => {
    clearTimeout(timer);
    const kind = error.code === 'ECONNREFUSED' ? 'refused' : answer === undefined ? 'reset' : 'truncated';
    reject(new Unanswered(kind, `${error.code ?? ''} ${error.message}`.trim(), versionOf(answer)));
  };
  asking.on('error', broken);
  asking.on('response', (response) => {
    answer = response;
    let end = '';
    response.setEncoding('utf8');
    response.on('data', (text: string) => {
      end = (end + text).slice(-200);
    });
    response.on('error', broken);
    response.on('end', () => {
      clearTimeout(timer);
      const failure = judge(question, response, end);
      if (failure === undefined) resolve({ version: versionOf(response) });
      else reject(failure);
    });
  });
  asking.end(body);
  return promise;
}

function judge(question: Question, response: IncomingMessage, end: string): Unanswered | undefined {
  const { statusCode: status = 0, statusMessage } = response;
  const version = versionOf(response);
  if (status !== question.wanted) {
    const detail = `${status} ${statusMessage}: ${end.slice(0, 100).replaceAll('\n', ' ')}`;
    return new Unanswered(kindOf(status), detail, version);
  }
  if (!response.complete) return new Unanswered('truncated', 'the answer did not come whole', version);
  if (question.ending !== undefined && !question.ending.test(end)) {
    return new Unanswered('truncated', `the stream ended with ${JSON.stringify(end.slice(-40))}`, version);
  }
  return undefined;
}

export function kindOf(status: number): FailureKind {
  if (status === 502 || status === 503 || status === 504) return `${status}`;
  return status >= 500 ? '5xx' : 'status';
}

export function versionOf(response: IncomingMessage | undefined): string | undefined {
  const version = response?.headers['x-version'];
  return typeof version === 'string' ? version : undefined;
}
