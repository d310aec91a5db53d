import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fakeEngine } from '../../support/host/fake-engine.ts';
import { failure, type Sshd, startSshd } from '../../support/host/sshd.ts';

// Every way the engine can be out of reach or behave badly.

let direct: Sshd;

beforeAll(async () => {
  direct = await startSshd();
});
afterAll(() => direct[Symbol.asyncDispose]());

describe('an engine that behaves badly', () => {
  test('progress comes as it is made, and a failed pull can be told', async () => {
    await using fake = await fakeEngine(async (_, response) => {
      for (const status of ['Pulling', 'Downloading', 'Extracting']) {
        response.write(`${JSON.stringify({ status })}\n`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      response.end(`${JSON.stringify({ errorDetail: { message: 'no space' } })}\n`);
    });
    await using host = await direct.connect({}, { engineSocket: fake.path });
    const pull = await host.engine.pull('acme/app:1');
    const seen: unknown[] = [];
    await new Promise((resolve) =>
      host.engine.modem.followProgress(pull, resolve, (event) => seen.push(event)),
    );
    expect(seen).toEqual([
      { status: 'Pulling' },
      { status: 'Downloading' },
      { status: 'Extracting' },
      { errorDetail: { message: 'no space' } },
    ]);
  });

  test('that closes idle connections (a restart): the next request has a new one', async () => {
    await using fake = await fakeEngine((_, response) => response.end('OK'));
    await using host = await direct.connect({}, { engineSocket: fake.path });
    for (let round = 0; round < 5; round++) {
      await host.engine.ping();
      for (const socket of fake.sockets) socket.destroy();
    }
    expect(fake.sockets.size).toBeGreaterThanOrEqual(5);
  });

  test('that hangs up in the middle of an answer', async () => {
    await using fake = await fakeEngine((_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"Version":');
      setTimeout(() => response.destroy(), 50);
    });
    await using host = await direct.connect({}, { engineSocket: fake.path });
    await using mute = await fakeEngine((request) => request.socket.destroy());
    await using other = await direct.connect({}, { engineSocket: mute.path });
    expect((await failure(other.engine.ping())).code).toBe('host.engine-broken');
    expect((await failure(host.engine.version())).code).toBe('host.engine-broken');
  });
});

describe('an engine out of reach', () => {
  test('the socket is elsewhere (rootless): DOCKER_HOST of the user is followed', async () => {
    await using fake = await fakeEngine((_, response) => response.end(JSON.stringify({ Version: 'mine' })));
    await using own = await startSshd({ config: [`SetEnv DOCKER_HOST=unix://${fake.path} HOME=/nowhere`] });
    await using host = await own.connect({}, { engineSocket: '/nowhere/docker.sock' });
    const versions = await Promise.all([host.engine.version(), host.engine.version(), host.engine.version()]);
    expect(versions.map((version) => version.Version)).toEqual(['mine', 'mine', 'mine']);
  });

  test('no Docker at all', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-path-'));
    for (const name of ['env', 'cat', 'id', 'printf']) await symlink(`/usr/bin/${name}`, join(folder, name));
    await using bare = await startSshd({ config: [`SetEnv PATH=${folder} HOME=${folder}`] });
    await using host = await bare.connect({}, { engineSocket: '/nowhere/docker.sock' });
    expect((await failure(host.engine.ping())).code).toBe('host.engine-missing');
    await rm(folder, { recursive: true });
  });

  test('the engine does not run', async () => {
    await using down = await startSshd({
      config: ['SetEnv DOCKER_HOST=unix:///nowhere/engine.sock HOME=/nowhere'],
    });
    await using host = await down.connect({}, { engineSocket: '/nowhere/docker.sock' });
    for (let round = 0; round < 2; round++) {
      const error = await failure(host.engine.ping());
      expect(error.code).toBe('host.engine-down');
      expect(error.output).toContain('/nowhere/engine.sock');
    }
    // Its docker may end in the very moment in which it begins.
    for (let round = 0; round < 20; round++) {
      const all = await Promise.all([1, 2, 3, 4, 5].map(() => failure(host.engine.listContainers())));
      expect(new Set(all.map((userError) => userError.code))).toEqual(new Set(['host.engine-down']));
    }
  });

  test('the user may not use it', async () => {
    if (process.getuid?.() !== 0)
      throw new Error('this test becomes another user, for which it must be root');
    const nobody = `setpriv --reuid=65534 --regid=65534 --clear-groups sh -c "$SSH_ORIGINAL_COMMAND"`;
    await using other = await startSshd({
      config: [`ForceCommand ${nobody}`, 'AllowStreamLocalForwarding no'],
    });
    await using host = await other.connect();
    expect((await failure(host.engine.ping())).code).toBe('host.engine-denied');
  });

  test('variables about the engine of THIS machine do not matter', async () => {
    const before = { ...process.env };
    try {
      process.env.DOCKER_HOST = 'tcp://192.0.2.1:2376';
      process.env.DOCKER_TLS_VERIFY = '1';
      process.env.DOCKER_CLIENT_TIMEOUT = '1';
      await using host = await direct.connect();
      expect((await host.engine.version()).ApiVersion).toMatch(/^1\./);
    } finally {
      process.env = before;
    }
  });
});
