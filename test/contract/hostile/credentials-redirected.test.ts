import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { openHttp } from '../../../src/cdn/aws/http.ts';
import { uploadToCodecov } from '../../../src/checks/coverage/codecov.ts';
import { closeServers, leaked, listen, to, token } from '../../support/hostile/thief.ts';

afterEach(closeServers);

describe('other requests with a credential', () => {
  const repository = { repository: 'acme/shop', commit: 'a'.repeat(40), branch: 'main', pull: undefined };

  test('GitHub’s API: a redirect to another host goes without the token', async () => {
    const thief = await listen(
      '127.0.0.3',
      (_request, response) => void response.writeHead(201).end('{"id":1}'),
    );
    const github = await listen('127.0.0.2', to(`http://${thief.host}/stolen`));
    process.env['GITHUB_API_URL'] = `http://${github.host}`;
    const { openDeployments } = await import('../../../src/actions/step/github-api.ts');
    const api = await openDeployments('sesame-open', 'acme/shop', () => undefined);
    const deployment = { ref: 'main', task: 'deploy', environment: 'production', description: 'x' } as const;
    await api.create(deployment).catch(() => {});
    expect(leaked(github)).toHaveLength(1);
    expect(leaked(thief)).toEqual([]);
  });

  test('Codecov: a redirect is a failure', async () => {
    const thief = await listen('127.0.0.3', (_request, response) => void response.end('{}'));
    const codecov = await listen('127.0.0.2', to(`http://${thief.host}/upload`));
    const env = { CODECOV_URL: `http://${codecov.host}`, CODECOV_TOKEN: 'sesame-open' };
    await uploadToCodecov([{ file: 'a.ts', covered: [1], missed: [] }], repository, {
      ...{ env, files: [], signal: new AbortController().signal },
    });
    expect(leaked(codecov)).toHaveLength(1);
    expect(thief.requests).toEqual([]);
  });

  test('S3, CloudFront, Cloudflare, STS and OIDC: their client follows nothing', async () => {
    const thief = await listen('127.0.0.3', token);
    const api = await listen('127.0.0.2', to(`http://${thief.host}/`));
    const http = openHttp({}, new AbortController().signal);
    const [hostname = '', port] = api.host.split(':');
    const origin = { secure: false, hostname, port: Number(port) };
    const headers = { authorization: 'Bearer sesame-open' };
    const answer = await http.send({ method: 'GET', origin, path: '/', headers });
    http.close();
    expect(answer.status).toBe(307);
    expect(thief.requests).toEqual([]);
  });

  test('each call of fetch says what it does with redirects, and follows none with headers', () => {
    const root = join(import.meta.dirname, '../../../src');
    const calls = globSync('**/*.ts', { cwd: root }).flatMap((file) => {
      const text = readFileSync(join(root, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
      return [...text.matchAll(/\bfetch\((?=[\w`])/g)].map(({ index }) => ({
        file,
        call: callAt(text, index),
      }));
    });
    expect(calls.length).toBeGreaterThan(5);
    for (const { file, call } of calls) {
      expect(call, file).toMatch(/redirect: '(?:manual|error|follow)'/);
      if (call.includes("'follow'")) expect(call, file).not.toMatch(/headers|authorization/i);
    }
  });
});

/** The text of a call, up to its closing bracket. */
function callAt(text: string, start: number): string {
  let open = 0;
  for (let index = text.indexOf('(', start); index < text.length; index++) {
    if (text[index] === '(') open++;
    if (text[index] === ')' && --open === 0) return text.slice(start, index + 1);
  }
  return '';
}
