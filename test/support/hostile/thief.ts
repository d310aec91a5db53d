import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openRegistry } from '../../../src/build/registry/client.ts';
import type { Login } from '../../../src/build/registry/model.ts';
import { systemClock } from '../../../src/kernel/clock.ts';

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export interface Seen {
  readonly host: string;
  /** `GET /v2/… Basic …` for each request. */
  readonly requests: string[];
  /** Texts of bodies. */
  readonly bodies: string[];
}

export const servers = new Set<Server>();
/** For `afterEach`. */
export function closeServers(): void {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  servers.clear();
}

/** A server that keeps what it is sent. */
export async function listen(address: string, answer: Answer): Promise<Seen> {
  const seen = { host: '', requests: [] as string[], bodies: [] as string[] };
  const server = createServer((request, response) => {
    const { authorization = 'nobody' } = request.headers;
    seen.requests.push(`${request.method} ${request.url} ${authorization}`);
    request.setEncoding('utf8').on('data', (text: string) => seen.bodies.push(text));
    request.on('end', () => answer(request, response));
  });
  servers.add(server);
  await new Promise<void>((resolve) => void server.listen(0, address, resolve));
  const { port } = server.address() as AddressInfo;
  seen.host = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
  return seen;
}

export const password: Login = { kind: 'password', user: 'ada', password: 'sesame-open' };
export const identity: Login = { kind: 'identity', token: 'refresh-sesame-open' };
const secrets = /sesame-open|YWRhOnNlc2FtZS1vcGVu|token-of-the-registry/;
export const to =
  (location: string, status = 307): Answer =>
  (_request, response) =>
    void response.writeHead(status, { location }).end();
export const ask =
  (challenge: string): Answer =>
  (_request, response) =>
    void response.writeHead(401, { 'www-authenticate': challenge }).end('{}');
export const token: Answer = (_request, response) =>
  void response.writeHead(200).end('{"token":"token-of-a-thief"}');

export function open(host: string, login: Login | undefined = password) {
  const signal = new AbortController().signal;
  return openRegistry(host, { fetch, signal, clock: systemClock, login: async () => login, tries: 1 });
}
export const leaked = ({ requests, bodies }: Seen) =>
  [...requests, ...bodies].filter((line) => secrets.test(line));
