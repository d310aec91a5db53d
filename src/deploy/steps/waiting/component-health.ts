import { Agent, request } from 'node:http';
import type { HealthRequest, ServicePlan } from '../../../config/model.ts';
import type { Host } from '../../../host/model.ts';
import { messageOf, UserError } from '../../../kernel/errors.ts';

/** Defaults of a health request. The edge and the deploy send the same request. */
export const healthDefaults = { host: 'localhost', timeoutMs: 5_000, expect: '200-399' } as const;

/** A health request to a container. */
export type Asked = HealthRequest & { readonly path: string; readonly port: number };

/** The health request to each container of a service; undefined: a TCP connection is enough. */
export function healthAsked({
  health: path,
  healthRequest: request,
  ports: [main],
}: ServicePlan): Asked | undefined {
  const port = request?.port ?? main?.port;
  return path === undefined || port === undefined ? undefined : { ...request, path, port };
}

/** Whether a status is that of a healthy container. */
function isExpected(status: number, { expect = healthDefaults.expect }: HealthRequest): boolean {
  return expect.split(',').some((part) => {
    const [from = Number.NaN, to = from] = part.split('-').map(Number);
    return status >= from && status <= to;
  });
}

export interface HealthAnswer {
  readonly ok: boolean;
  /** HTTP status, 0 when there was no answer. */
  readonly status: number;
  /** `database` → `connected`, as the endpoint reports them; empty for endpoints that are not JSON. */
  readonly components: Readonly<Record<string, string>>;
  /** Components that report an unhealthy word. */
  readonly unwell: readonly string[];
  readonly body: string;
}

const largestBody = 64 * 1024;
/** Whole words: `in service` and `initialized` are healthy, `inactive` is not. */
const unwellWords =
  /^(un(healthy|available|known|reachable|ready|well|stable|able|responsive|initiali[sz]ed)|not(ready|ok)?|no|dis(connected|abled)|in(active|valid|complete|accessible|operative))(?![a-z])|(?<![a-z])(down|fail(ed|ing|ure|s)?|errors?|errored|dead|stopped|critical|time(d[ _-]?)?out|false)(?![a-z])/i;

/** Requests a container's health endpoint from its host, with the same request as its edge. */
export async function askHealth(host: Host, address: string, asked: Asked): Promise<HealthAnswer> {
  try {
    const socket = await host.tcp(address, asked.port);
    const { status, body } = await get(socket, asked);
    return { ...readHealth(status, body, asked), body };
  } catch (error) {
    return { ok: false, status: 0, components: {}, unwell: [], body: messageOf(error) };
  }
}

/**
 * Reads a health answer such as `{"status":"healthy","database":"connected"}`. The HTTP status and the field `status`
 * decide whether the container serves; every other field names a component.
 */
export function readHealth(
  status: number,
  body: string,
  request: HealthRequest = {},
): Omit<HealthAnswer, 'body'> {
  const components: Record<string, string> = {};
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) collect(value, '', components);
  } catch {
    // An endpoint that answers plain text has no components.
  }
  const unwell = Object.entries(components)
    .filter(([, word]) => unwellWords.test(word))
    .map(([name]) => name);
  const itself = components.status;
  const ok = isExpected(status, request) && (itself === undefined || !unwellWords.test(itself));
  return { ok, status, components, unwell };
}

function collect(value: object, prefix: string, components: Record<string, string>): void {
  for (const [key, item] of Object.entries(value)) {
    const name = prefix === '' ? key : `${prefix}.${key}`;
    if (typeof item === 'string' || typeof item === 'boolean') components[name] = String(item);
    else if (typeof item === 'object' && item !== null && prefix.split('.').length < 3)
      collect(item, name, components);
    if (Object.keys(components).length >= 50) return;
  }
}

/**
 * @param lines the container's last log lines.
 * @returns UserError `health.component` naming the unhealthy components.
 */
export function unwell(who: string, path: string, answer: HealthAnswer, lines = ''): UserError {
  const named = answer.unwell
    .filter((name) => name !== 'status')
    .map((name) => `${name} is ${answer.components[name]}`)
    .join(', ');
  return new UserError({
    code: 'health.component',
    message: `${who} is unhealthy: ${named === '' ? `${path} ${answer.status === 0 ? 'did not answer' : `returned ${answer.status}`}` : named}`,
    hint: 'The new release got no traffic. Fix the component or the release, then deploy again.',
    output: [answer.body.slice(0, 1000), lines].filter((text) => text !== '').join('\n'),
  });
}

function get(
  socket: NodeJS.ReadWriteStream,
  { path, host = healthDefaults.host, headers = {}, timeoutMs = healthDefaults.timeoutMs }: Asked,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const agent = new Agent();
    agent.createConnection = () => socket as never;
    const call = request({
      agent,
      path,
      headers: { ...headers, host, connection: 'close', 'user-agent': 'sluice-edge' },
    });
    // For the whole exchange: an endless answer counts as no answer.
    const timer = setTimeout(
      () => call.destroy(new Error(`no answer from ${path} within ${timeoutMs / 1000} s`)),
      timeoutMs,
    );
    call.on('close', () => clearTimeout(timer));
    call.on('error', reject);
    call.on('response', (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        if (body.length < largestBody) body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      response.on('error', reject);
    });
    call.end();
  });
}
