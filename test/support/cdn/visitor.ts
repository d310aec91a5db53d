import type { VerifyReport } from '../../../src/cdn/model.ts';
import type { Limits } from '../../../src/cdn/verify/exchange.ts';
import { type VerifyEffects, type VerifyInput, verifySite } from '../../../src/cdn/verify/verify.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { type Contents, entriesOf, settingsOf, strictHeaders } from './pages.ts';
import { type Answerer, answerWith, type Listening } from './web-server.ts';

export const page = (title: string, ...assets: string[]) =>
  `<!doctype html><title>${title}</title>${assets
    .map((path) =>
      path.endsWith('.css')
        ? `<link rel="stylesheet" href="${path}">`
        : `<script type="module" src="${path}"></script>`,
    )
    .join('')}<p>${title}</p>`;

export const site: Contents = {
  'index.html': page('home', '/assets/app-1a2b3c4d.js', '/assets/app-5e6f7a8b.css'),
  'blog/index.html': page('blog', '../assets/app-1a2b3c4d.js'),
  'about.html': page('about'),
  'robots.txt': 'User-agent: *',
  'assets/app-1a2b3c4d.js': 'console.log("release 2");',
  'assets/app-5e6f7a8b.css': 'p { color: teal }',
};

const open: Listening[] = [];

/** A server that `closeAll` ends. */
export async function started<T extends Listening>(server: Promise<T>): Promise<T> {
  const listening = await server;
  open.push(listening);
  return listening;
}

export async function closeAll(): Promise<void> {
  await Promise.all(open.splice(0).map((listening) => listening.close()));
}

/** For servers that hang: long enough for all others on a busy machine. */
export const impatient: Limits = { answerMs: 700, wholeMs: 1200, keep: 1024 * 1024 };

export function verify(
  url: string,
  change: Partial<VerifyInput> = {},
  effects: Partial<VerifyEffects> = {},
): Promise<VerifyReport> {
  const contents = entriesOf(site);
  const input = {
    url,
    entries: contents,
    changed: [],
    settings: settingsOf(),
    index: 'index.html',
    spa: false,
  };
  return verifySite(
    { ...input, ...change },
    { clock: systemClock, signal: new AbortController().signal, log: { detail: () => {} }, ...effects },
  );
}

/** Level, kind, path and message of each finding. */
export function told({ url, findings }: VerifyReport): string[] {
  return findings.map(
    (finding) => `${finding.level} ${finding.kind} ${finding.url.replace(url, '/')}: ${finding.message}`,
  );
}

export const app = '/assets/app-1a2b3c4d.js';
export const status =
  (code: number, headers: Record<string, string> = {}): Answerer =>
  (_, response) =>
    void response.writeHead(code, headers).end();
export const gives =
  (body: string | Buffer, headers: Record<string, string> = {}): Answerer =>
  (_, response) =>
    void response.writeHead(200, { ...headersOf('index.html'), ...headers }).end(body);
export const changes =
  (headers: Record<string, string | undefined>): Answerer =>
  (request, response) =>
    answerWith(site, request, response, headers);
export const headersOf = (path: string) => ({ ...entriesOf(site).get(path)?.headers, ...strictHeaders });
export const home = String(site['index.html']);
