import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request for a deployment or a status, as it was accepted. */
export interface Recorded {
  readonly kind: 'deployment' | 'status';
  readonly deployment: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** GitHub's deployments API, stricter than the real one: whatever it does not know is refused and remembered. */
export interface FakeApi extends AsyncDisposable {
  readonly url: string;
  readonly accepted: readonly Recorded[];
  /** What was wrong with requests; a test that expects none expects it to be empty. */
  readonly problems: readonly string[];
  /** States of a deployment in the order they came; the first deployment unless another is named. */
  states(deployment?: number): string[];
  /** Answers one request with this status instead: the one after the next `requests`. */
  failAfter(requests: number, status: number): void;
  /** How many requests were answered so. */
  failed(): number;
}

export const token = 'ghs_' + 'synthetic0123456789synthetic0123456789';

const fields: Readonly<Record<Recorded['kind'], Readonly<Record<string, (value: unknown) => boolean>>>> = {
  deployment: {
    ref: (value) => isText(value, 1, 255),
    task: (value) => value === 'deploy' || value === 'deploy:rollback',
    auto_merge: (value) => value === false,
    required_contexts: (value) => Array.isArray(value) && value.length === 0,
    environment: (value) => isText(value, 1, 255),
    description: (value) => isText(value, 0, 140),
  },
  status: {
    state: (value) => ['in_progress', 'success', 'failure', 'inactive'].includes(String(value)),
    environment: (value) => isText(value, 1, 255),
    description: (value) => isText(value, 0, 140),
    environment_url: (value) => isText(value, 1, 2000) && /^https?:\/\//.test(value as string),
    log_url: (value) => isText(value, 1, 2000) && /^https?:\/\//.test(value as string),
  },
};
const required = {
  deployment: ['ref', 'auto_merge', 'required_contexts', 'environment'],
  status: ['state', 'environment'],
} as const;
const finals = ['success', 'failure', 'inactive'];

export async function startGithubApi(): Promise<FakeApi> {
  const accepted: Recorded[] = [];
  const problems: string[] = [];
  const failures: { after: number; readonly status: number }[] = [];
  let failed = 0;
  const states = (deployment = 1) =>
    accepted
      .filter((recorded) => recorded.kind === 'status' && recorded.deployment === deployment)
      .map((recorded) => String(recorded.body.state));

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const refuse = (status: number, problem: string) => {
      problems.push(`${request.method} ${request.url}: ${problem}`);
      reply(response, status, { message: problem });
    };
    const [failure] = failures;
    if (failure !== undefined && failure.after-- === 0) {
      failures.shift();
      failed += 1;
      return reply(response, failure.status, { message: 'as asked' });
    }
    if (request.headers.authorization !== `token ${token}`) return refuse(401, 'no or another token');
    if (request.method !== 'POST') return refuse(405, 'only POST');
    if (!/^application\/json/.test(request.headers['content-type'] ?? '')) return refuse(415, 'no JSON');
    if (!/^application\/vnd\.github/.test(request.headers.accept ?? ''))
      return refuse(406, 'no GitHub accept');
    if (!request.headers['user-agent']) return refuse(403, 'no user agent');
    const path = /^\/repos\/acme\/bookreader\/deployments(?:\/(\d+)\/statuses)?$/.exec(request.url ?? '');
    if (path === null) return refuse(404, 'no such path');
    const kind = path[1] === undefined ? 'deployment' : 'status';
    const body = parse(Buffer.concat(chunks).toString());
    if (body === undefined) return refuse(400, 'a body that is no object');
    const wrong = faultOf(kind, body);
    if (wrong !== undefined) return refuse(422, wrong);
    const made = accepted.filter((recorded) => recorded.kind === 'deployment').length;
    if (kind === 'deployment') {
      accepted.push({ kind, deployment: made + 1, body });
      return reply(response, 201, { id: made + 1 });
    }
    const id = Number(path[1]);
    if (id < 1 || id > made) return refuse(404, 'no such deployment');
    const before = states(id);
    const isFinal = finals.includes(String(body.state));
    if (before.some((state) => finals.includes(state))) return refuse(422, 'it has ended already');
    if (isFinal && !before.includes('in_progress')) return refuse(422, 'it ended before it was in progress');
    if (!isFinal && before.includes('in_progress')) return refuse(422, 'in progress twice');
    accepted.push({ kind, deployment: id, body });
    return reply(response, 201, { id: accepted.length });
  };

  const server: Server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      problems.push(String(error));
      response.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    ...{ accepted, problems, states },
    failAfter: (after, status) => void failures.push({ after, status }),
    failed: () => failed,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function faultOf(kind: Recorded['kind'], body: Readonly<Record<string, unknown>>): string | undefined {
  const known = fields[kind];
  const missing = required[kind].find((name) => body[name] === undefined);
  if (missing !== undefined) return `${missing} is missing`;
  for (const [name, value] of Object.entries(body)) {
    const isValid = known[name];
    if (isValid === undefined) return `${name} is unknown`;
    if (!isValid(value)) return `${name} must not be ${JSON.stringify(value)}`;
  }
  return undefined;
}

function isText(value: unknown, min: number, max: number): boolean {
  return typeof value === 'string' && value.length >= min && value.length <= max;
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
  response.end(JSON.stringify(body));
}
