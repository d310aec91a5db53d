import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findHealth } from '../../../src/init/study/health.ts';
import { findOtherDeploys } from '../../../src/init/study/repository.ts';
import { readTree } from '../../../src/init/study/tree.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-sources-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function put(path: string, text = ''): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

describe('the health endpoint', () => {
  test.each<[string, string, string, string | undefined, boolean]>([
    ['FastAPI', 'app.py', '@app.get("/api/health")', '/api/health', true],
    ['Flask', 'app.py', "@app.route('/healthz', methods=['GET'])", '/healthz', true],
    ['Express', 'src/index.js', "app.get('/health', (req, res) => res.end())", '/health', true],
    ['Fastify', 'server.ts', "fastify.get('/healthz', handler);", '/healthz', true],
    ['Go', 'main.go', '\thttp.HandleFunc("/healthz", healthz)', '/healthz', true],
    ['.NET', 'Program.cs', 'app.MapHealthChecks("/healthz");', '/healthz', true],
    ['a router, whose prefix is elsewhere', 'api/status.py', '@router.get("/health")', '/health', false],
    [
      'Django, which looks at the Host header',
      'urls.py',
      '    path("health/", views.health),',
      '/health/',
      false,
    ],
    ['Next', 'app/api/health/route.ts', 'export function GET() {}', '/api/health', false],
    ['somebody else’s health', 'client.ts', "const { data } = await http.get('/health');", '/health', false],
    ['a test', 'tests/test_app.py', 'app.get("/health")', undefined, false],
    ['nothing of the kind', 'app.py', '@app.get("/books")', undefined, false],
  ])('%s', async (_, file, text, path, sure) => {
    put(file, `first line\n${text}\n`);
    const found = await findHealth(await readTree(folder), '', []);
    expect([found?.path, found?.sure ?? false]).toEqual([path, sure]);
  });

  test('what the script of the health check asks is sure, and says where', async () => {
    put('api/check.py', 'import http.client\nconnection.request("GET", "/api/health")\n');
    put('api/app.py', '@app.get("/ping")\n');
    const found = await findHealth(await readTree(folder), 'api', ['CMD', 'python', '/srv/check.py']);
    expect(found).toMatchObject({ path: '/api/health', at: 'api/check.py:2', sure: true });
  });

  test.each([
    [
      'check.sh',
      '#!/bin/sh\n# curl http://localhost:9/no\ncurl -fs "http://$HOSTNAME:$PORT/state" || exit 1\n',
      '/state',
      3,
    ],
    [
      'check.js',
      "const http = require('http');\nhttp.get({ host: 'api', port: 8000, path: '/state' });\n",
      '/state',
      2,
    ],
    [
      'check.py',
      'from urllib.request import urlopen\nurlopen("http://127.0.0.1:8000/state?deep=1")\n',
      '/state?deep=1',
      2,
    ],
  ])('the script is read as the check would be: %s', async (file, text, path, line) => {
    put(`api/${file}`, text);
    const service = { name: 'api', definition: { environment: { PORT: '8000' } } };
    const found = await findHealth(await readTree(folder), 'api', ['CMD', `/srv/${file}`], service);
    expect(found).toEqual({ path, at: `api/${file}:${line}`, sure: true, port: 8000 });
  });

  test('another service’s sources do not count', async () => {
    put('web/app.py', '@app.get("/health")\n');
    expect(await findHealth(await readTree(folder), 'api', [])).toBeUndefined();
  });
});

test('links, other people’s packages and hidden folders are not looked at', async () => {
  for (const path of [
    'node_modules/x/alembic.ini',
    '.venv/alembic.ini',
    'a/alembic.ini',
    '.github/workflows/x.yml',
  ])
    put(path);
  symlinkSync('/', join(folder, 'everything'));
  expect((await readTree(folder)).files).toEqual(['.github/workflows/x.yml', 'a/alembic.ini']);
});

test('workflows that deploy, and those that do not', async () => {
  put('.github/workflows/a.yml', 'jobs:\n  x:\n    steps:\n      - run: ssh deploy@example.com docker ps\n');
  put('.github/workflows/b.yml', 'jobs:\n  x:\n    steps:\n      - run: docker compose up -d && npm test\n');
  put(
    '.github/workflows/d.yml',
    'jobs:\n  x:\n    runs-on: self-hosted\n    steps:\n      - run: docker compose up -d\n',
  );
  put('.github/workflows/c.yml', 'jobs:\n  x:\n    steps:\n      - run: npm test\n');
  put('.github/workflows/sluice-deploy.yml', 'ssh a@b');
  const found = await findOtherDeploys(await readTree(folder));
  expect(found.map(({ path, sign }) => [path.at(-5), sign])).toEqual([
    ['a', 'ssh'],
    ['d', 'docker compose up -d'],
  ]);
});
