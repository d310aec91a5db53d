import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inflateSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { codecovCommit, uploadToCodecov } from '../../../../src/checks/coverage/codecov.ts';

const token = '6d1f0a52-9a0e-4a43-8d0b-000000000000';
const commit = '0123456789abcdef0123456789abcdef01234567';
const about = { repository: 'acme/shop.web', commit, branch: 'main', pull: 7 };
const coverage = [{ file: 'src/a.ts', covered: [1], missed: [2] }];

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Refuses what Codecov would refuse: wrong path, token or body for the upload, a token or a stranger's body for storage. */
async function codecov(failure?: Partial<Record<'announce' | 'store', Answer | 'silence'>>) {
  const stored: string[] = [];
  const server = createServer(async (request, response) => {
    const body = await textOf(request);
    const step = request.url?.startsWith('/upload/') ? 'announce' : 'store';
    const planned = failure?.[step];
    if (planned === 'silence') return;
    const answer = planned ?? (step === 'announce' ? announced(request, body) : put(request, body));
    response.writeHead(answer.status).end(answer.body);
  });
  const announced = (request: IncomingMessage, body: string): Answer => {
    if (request.method !== 'POST' || request.url !== '/upload/github/acme::::shop.web/upload-coverage') {
      return { status: 404, body: 'no such page' };
    }
    const { branch, code, commitid, pullid } = JSON.parse(body);
    const isFork = branch.includes(':');
    if (!isFork && request.headers.authorization !== `token ${token}`) {
      return { status: 401, body: '{"detail":"Not valid tokenless upload"}' };
    }
    if (code !== 'default' || commitid !== commit || pullid !== '7') return { status: 400, body: 'bad' };
    return { status: 201, body: JSON.stringify({ raw_upload_location: `${base}/storage/1?signature=x` }) };
  };
  const put = (request: IncomingMessage, body: string): Answer => {
    const isAsked = request.method === 'PUT' && request.headers.authorization === undefined;
    if (!isAsked) return { status: 403, body: 'denied' };
    stored.push(body);
    return { status: 200, body: '' };
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { base, stored };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

const options = (base: string, env: Record<string, string | undefined> = {}) => ({
  env: { CODECOV_TOKEN: token, CODECOV_URL: `${base}/`, ...env },
  signal: new AbortController().signal,
  files: ['src/a.ts'],
});

test('the report arrives whole, and the token stays out of the storage', async () => {
  const { base, stored } = await codecov();
  expect(await uploadToCodecov(coverage, about, options(base))).toBe(undefined);
  const [report] = stored.map((text) => JSON.parse(text));
  expect(report).toMatchObject({
    network_files: ['src/a.ts'],
    coverage_files: [{ format: 'base64+compressed' }],
  });
  const lcov = inflateSync(Buffer.from(report.coverage_files[0].data, 'base64')).toString();
  expect(lcov).toBe('TN:\nSF:src/a.ts\nDA:1,1\nDA:2,0\nend_of_record\n');
});

test('a fork needs no token, a branch of the repository does', async () => {
  const { base, stored } = await codecov();
  const without = options(base, { CODECOV_TOKEN: undefined });
  expect(await uploadToCodecov(coverage, { ...about, branch: 'someone:patch' }, without)).toBe(undefined);
  expect(await uploadToCodecov(coverage, about, without)).toMatch(/was not uploaded\. Set CODECOV_TOKEN/);
  expect(stored.length).toBe(1);
});

const failures = [
  ['a wrong token', {}, { CODECOV_TOKEN: 'wrong' }, /answered 401 .*Not valid tokenless upload/],
  ['too many uploads', { announce: { status: 429, body: '' } }, {}, /Codecov answered 429\.$/],
  ['no JSON', { announce: { status: 200, body: '<html>' } }, {}, /has no upload address/],
  [
    'a place that is no web address',
    { announce: { status: 200, body: '{"raw_upload_location":"file:///etc"}' } },
    {},
    /has no upload address/,
  ],
  [
    'a storage that refuses',
    { store: { status: 403, body: '::error::denied' } },
    {},
    /the storage answered 403/,
  ],
  ['no server', {}, { CODECOV_URL: 'http://127.0.0.1:2' }, /ECONNREFUSED/],
  ['an address that is none', {}, { CODECOV_URL: 'nowhere' }, /Invalid URL|Failed to parse/],
  [
    'a token that the server repeats',
    { announce: { status: 400, body: token } },
    {},
    /answered 400 \(\*\*\*\)/,
  ],
] as const;

test.each(failures)('%s is a warning', async (_, failure, env, words) => {
  const { base } = await codecov(failure);
  const warning = await uploadToCodecov(coverage, about, options(base, env));
  expect(warning).toMatch(words);
  expect(warning).not.toMatch(/^::/m);
});

test('silence is a warning, the end of the run is the end', async () => {
  const { base } = await codecov({ announce: 'silence' });
  const quick = { ...options(base), timeoutMs: 50 };
  expect(await uploadToCodecov(coverage, about, quick)).toMatch(/no answer within 0\.05 s/);
  const run = new AbortController();
  const upload = uploadToCodecov(coverage, about, { ...options(base), signal: run.signal });
  run.abort(new Error('cancelled'));
  await expect(upload).rejects.toThrow('cancelled');
});

test('a pull request is about its head; one from a fork says whose branch it is', () => {
  const env = { GITHUB_REPOSITORY: 'acme/shop', GITHUB_SHA: 'f'.repeat(40), GITHUB_REF_NAME: 'main' };
  expect(codecovCommit(env, {})).toEqual({
    repository: 'acme/shop',
    commit: 'f'.repeat(40),
    branch: 'main',
    pull: undefined,
  });
  const head = (full_name: string) => ({ sha: commit, ref: 'patch', repo: { full_name } });
  const event = (full_name: string) => ({ number: 3, pull_request: { head: head(full_name) } });
  expect(codecovCommit(env, event('acme/shop'))).toMatchObject({ commit, branch: 'patch', pull: 3 });
  expect(codecovCommit(env, event('someone/shop'))?.branch).toBe('someone:patch');
  expect(codecovCommit({}, undefined)).toBe(undefined);
});
