import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { type LockedTool, lock, stolen } from '../../../../src/checks/toolbox/lock.ts';
import { readyTool, type ToolboxContext } from '../../../../src/checks/toolbox/toolbox.ts';
import { defaultCheckSettings } from '../../../../src/config/sluice-yml/normalise.ts';
import { runProcess } from '../../../../src/kernel/process/process.ts';
import { tarOf } from '../../../../src/kernel/tar.ts';

const program = Buffer.from('#!/bin/sh\necho "trivy 9.9.9"\n');
const archive = gzipSync(
  tarOf([
    { path: 'LICENSE', content: Buffer.from('free') },
    { path: 'trivy', content: program },
  ]),
);
const sha = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const limits = { tries: 3, pauseMs: 1, stallMs: 150, maxBytes: 100_000 };

/** Answers of the server by path, one after the other; the last one goes on. */
const answers = new Map<string, ((response: ServerResponse) => void)[]>();
const asked: string[] = [];
const give = (bytes: Buffer) => (response: ServerResponse) => {
  response.end(bytes);
};
const status = (code: number) => (response: ServerResponse) => {
  response.writeHead(code).end();
};
const server = createServer((request, response) => {
  const path = request.url ?? '';
  asked.push(path);
  const left = answers.get(path) ?? [];
  ((left.length > 1 ? left.shift() : left[0]) ?? status(404))(response);
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

const folder = mkdtempSync(join(tmpdir(), 'sluice-toolbox-'));
let cache = '';
let runs = 0;
beforeEach(() => {
  answers.clear();
  asked.length = 0;
  runs += 1;
  cache = join(folder, `cache-${runs}`);
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

function context(changes: Partial<ToolboxContext> & { tools?: 'auto' | 'path' | 'locked' } = {}) {
  const signal = new AbortController().signal;
  return {
    settings: { ...defaultCheckSettings(), tools: changes.tools ?? ('auto' as const) },
    env: { PATH: join(folder, 'nothing'), SLUICE_TOOLS_MIRROR: address },
    signal,
    cache,
    spawn: async (argv: readonly [string, ...string[]]) => ({
      ...(await runProcess(argv, { signal })),
      truncated: false,
    }),
    note: () => {},
    ...changes,
  };
}

function locked(
  bytes: Buffer,
  path: string | undefined,
  url = 'https://github.com/a/trivy.tar.gz',
): LockedTool {
  const file = { url, sha256: sha(bytes), ...(path === undefined ? {} : { path }) };
  return { version: '9.9.9', files: { 'linux-x64': file } };
}
const choices = (tool = locked(archive, 'trivy')) => ({ locked: tool, platform: 'linux-x64', limits });
const kept = () => {
  const [only = ''] = readdirSync(join(cache, 'tools'));
  return join(cache, 'tools', only);
};

describe('a locked tool', () => {
  test('is fetched once, verified and unpacked; then it needs no network', async () => {
    answers.set('/a/trivy.tar.gz', [give(archive)]);
    const first = await readyTool('trivy', context(), choices());
    expect(first).toEqual({ path: join(kept(), 'trivy'), version: '9.9.9', from: 'locked' });
    expect((await runProcess([first.path])).stdout).toBe('trivy 9.9.9\n');
    expect(await readyTool('trivy', context(), choices())).toEqual(first);
    expect(asked).toEqual(['/a/trivy.tar.gz']);
    expect(readdirSync(kept()).sort()).toEqual(['trivy', 'trivy.tar.gz']);
  });

  test('may be the file itself', async () => {
    answers.set('/a/trivy.tar.gz', [give(program)]);
    const tool = await readyTool('trivy', context(), choices(locked(program, undefined)));
    expect((await runProcess([tool.path])).stdout).toBe('trivy 9.9.9\n');
  });

  test('is fetched by two runs at once without harm', async () => {
    answers.set('/a/trivy.tar.gz', [give(archive)]);
    const both = await Promise.all([1, 2].map(() => readyTool('trivy', context(), choices())));
    expect(both[0]).toEqual(both[1]);
    expect(readFileSync(both[0]?.path ?? '')).toEqual(program);
    expect(readdirSync(kept()).sort()).toEqual(['trivy', 'trivy.tar.gz']);
  });

  test.each<[string, ((response: ServerResponse) => void)[], number]>([
    ['an answer of 500', [status(500), give(archive)], 2],
    ['two of them', [status(503), status(429), give(archive)], 3],
    [
      'a transfer that is cut off',
      [
        (response) => response.writeHead(200, { 'content-length': 9999 }).end('x', () => response.destroy()),
        give(archive),
      ],
      2,
    ],
    ['a transfer that hangs', [(response) => void response.writeHead(200).write('x'), give(archive)], 2],
    ['a server that says nothing', [() => {}, give(archive)], 2],
    ['a file of another hash', [give(Buffer.from('proxy login page')), give(archive)], 2],
    ['a redirect', [(response) => void response.writeHead(302, { location: '/b' }).end()], 2],
  ])('is there in spite of %s', async (_, given, requests) => {
    answers.set('/a/trivy.tar.gz', given);
    answers.set('/b', [give(archive)]);
    const tool = await readyTool('trivy', context(), choices());
    expect(readFileSync(tool.path)).toEqual(program);
    expect(asked).toHaveLength(requests);
  });

  test.each<[string, string, RegExp, (() => void)[] | ((response: ServerResponse) => void)[], number]>([
    ['404', 'checks.tool-fetch', /: HTTP status 404$/, [status(404)], 1],
    ['500 for ever', 'checks.tool-fetch', /: HTTP status 500 \(3 attempts\)$/, [status(500)], 3],
    ['a hang for ever', 'checks.tool-fetch', /: no data for 0.15 s \(3 attempts\)$/, [() => {}], 3],
    ['too much', 'checks.tool-fetch', /larger than 100000 bytes$/, [give(Buffer.alloc(200_000))], 1],
    [
      'another file',
      'checks.tool-hash',
      /has sha256 [0-9a-f]{64}, expected [0-9a-f]{64}/,
      [give(program)],
      2,
    ],
  ])('is not run after %s', async (_, code, message, given, requests) => {
    answers.set('/a/trivy.tar.gz', given);
    const tool = readyTool('trivy', context(), choices());
    await expect(tool).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect(asked).toHaveLength(requests);
    expect(readdirSync(kept())).toEqual([]);
  });

  test('is fetched again when the cache was tampered with, whichever file it was', async () => {
    answers.set('/a/trivy.tar.gz', [give(archive)]);
    const { path } = await readyTool('trivy', context(), choices());
    writeFileSync(path, '#!/bin/sh\necho gotcha\n');
    await readyTool('trivy', context(), choices());
    expect(readFileSync(path)).toEqual(program);
    expect(asked).toHaveLength(1);

    writeFileSync(path, '#!/bin/sh\necho gotcha\n');
    writeFileSync(
      join(kept(), 'trivy.tar.gz'),
      gzipSync(tarOf([{ path: 'trivy', content: readFileSync(path) }])),
    );
    await readyTool('trivy', context(), choices());
    expect(readFileSync(path)).toEqual(program);
    expect(asked).toHaveLength(2);
  });

  test.each<[string, Buffer, RegExp]>([
    [
      'without the program',
      gzipSync(tarOf([{ path: 'README', content: program }])),
      /it does not contain trivy$/,
    ],
    [
      'that leads out of its folder',
      gzipSync(tarOf([{ path: '../../trivy', content: program }])),
      /an entry outside its folder: "\.\.\/\.\.\/trivy"$/,
    ],
    ['that is none', Buffer.from('not gzip'), /^Cannot unpack .*: incorrect header check$/],
  ])('is not run from an archive %s', async (_, bytes, message) => {
    answers.set('/a/trivy.tar.gz', [give(bytes)]);
    const tool = readyTool('trivy', context(), choices(locked(bytes, 'trivy')));
    await expect(tool).rejects.toMatchObject({
      code: 'checks.tool-fetch',
      message: expect.stringMatching(message),
    });
  });

  test('ends with the run', async () => {
    answers.set('/a/trivy.tar.gz', [() => {}]);
    const ended = new AbortController();
    const tool = readyTool('trivy', context({ signal: ended.signal }), choices());
    setTimeout(() => ended.abort(new Error('cancelled')), 20);
    await expect(tool).rejects.toThrow('cancelled');
  });
});

describe('a tool on PATH', () => {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'trivy'), program);
  chmodSync(join(bin, 'trivy'), 0o755);
  writeFileSync(join(bin, 'squawk'), 'no program');
  const env = { PATH: `.:${join(folder, 'none')}:${bin}`, SLUICE_TOOLS_MIRROR: address };

  test('is taken before the locked one, where that is allowed', async () => {
    const found = { path: join(bin, 'trivy'), version: '9.9.9', from: 'path' };
    expect(await readyTool('trivy', context({ env }), choices())).toEqual(found);
    expect(await readyTool('trivy', context({ env, tools: 'path' }), choices())).toEqual(found);
    answers.set('/a/trivy.tar.gz', [give(archive)]);
    expect((await readyTool('trivy', context({ env, tools: 'locked' }), choices())).from).toBe('locked');
  });

  test('is refused when it is of a stolen release', async () => {
    const stolen = join(folder, 'stolen');
    mkdirSync(stolen);
    writeFileSync(join(stolen, 'trivy'), '#!/bin/sh\necho Version: 0.69.4\n', { mode: 0o755 });
    await expect(readyTool('trivy', context({ env: { PATH: stolen } }), choices())).rejects.toMatchObject({
      code: 'checks.tool-stolen',
    });
  });

  test('is missed in words', async () => {
    await expect(readyTool('squawk', context({ env, tools: 'path' }))).rejects.toMatchObject({
      code: 'checks.tool-missing',
      message: 'squawk is not on PATH, and `checks.tools: path` forbids downloads',
    });
    await expect(readyTool('squawk', context({ env }), { platform: 'win32-x64' })).rejects.toMatchObject({
      code: 'checks.tool-missing',
      message: 'squawk is not on PATH, and Sluice has no locked version for win32-x64',
    });
  });
});

test('the lock names releases on GitHub by version, with a whole hash each', () => {
  for (const { version, files } of Object.values(lock)) {
    for (const { url, sha256 } of Object.values(files)) {
      expect(url).toMatch(/^https:\/\/github\.com\//);
      expect(url).toContain(`/releases/download/v${version}/`);
      expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    }
  }
  expect(stolen.trivy).not.toContain(lock.trivy.version);
});
