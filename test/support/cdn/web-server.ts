import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Contents, entryOf, strictHeaders } from './pages.ts';

export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** A certificate for 127.0.0.1 and localhost that signs itself. */
export function makeCertificate(): Certificate {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-certificate-'));
  try {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1';
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    const files = ['-keyout', key, '-out', cert, '-subj', '/CN=localhost', '-addext', names];
    execFileSync('openssl', ['req', '-x509', ...kind, ...files], { stdio: 'ignore' });
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export interface Listening {
  /** With a slash at its end. */
  readonly url: string;
  /** Connections that were made. */
  connections(): number;
  close(): Promise<void>;
}

/** Listens on 127.0.0.1, on a port of the system's choice. */
export async function listen(listener: RequestListener, certificate?: Certificate): Promise<Listening> {
  const server =
    certificate === undefined ? createServer(listener) : createSecureServer(certificate, listener);
  let connections = 0;
  server.on('connection', () => {
    connections++;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${certificate === undefined ? 'http' : 'https'}://127.0.0.1:${port}/`,
    connections: () => connections,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export type Answerer = (request: IncomingMessage, response: ServerResponse, times: number) => void;

export interface WebServer extends Listening {
  /** `GET /assets/app.js`, in their order. */
  readonly asked: readonly string[];
}

/**
 * A web server that serves contents as a good CDN does, but for what is said by path.
 *
 * @param faults answers for some paths; `times` counts the requests to that path, from 1.
 */
export async function serve(
  contents: Contents,
  faults: Readonly<Record<string, Answerer>> = {},
  certificate?: Certificate,
): Promise<WebServer> {
  const asked: string[] = [];
  const times = new Map<string, number>();
  const listening = await listen((request, response) => {
    const path = request.url ?? '/';
    asked.push(`${request.method} ${path}`);
    const nth = (times.get(path) ?? 0) + 1;
    times.set(path, nth);
    const fault = faults[path];
    if (fault === undefined) answerWith(contents, request, response);
    else fault(request, response, nth);
  }, certificate);
  return { ...listening, asked };
}

/** As a good CDN answers: folders by their index page, all headers, 404 for what is not there. */
export function answerWith(
  contents: Contents,
  request: IncomingMessage,
  response: ServerResponse,
  change: Readonly<Record<string, string | undefined>> = {},
): void {
  const { pathname } = new URL(request.url ?? '/', 'http://site');
  const asked = decodeURIComponent(pathname.slice(1));
  const path = asked === '' || asked.endsWith('/') ? `${asked}index.html` : asked;
  const content = contents[path];
  if (content === undefined) {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('no such thing');
    return;
  }
  const headers = { ...entryOf(path, content).headers, ...strictHeaders, ...change };
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) response.setHeader(name, value);
  }
  response.setHeader('content-length', Buffer.byteLength(content));
  response.end(request.method === 'HEAD' ? undefined : content);
}
