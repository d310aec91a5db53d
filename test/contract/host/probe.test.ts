import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { cpus, tmpdir, totalmem, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { probeHost, probeQuickly } from '../../../src/host/probe/probe.ts';
import { type Sshd, startSshd } from '../../support/host/sshd.ts';

// What a real machine says of itself, also one that lacks most commands; and several hosts at once.

let sshd: Sshd;

beforeAll(async () => {
  sshd = await startSshd();
});
afterAll(() => sshd[Symbol.asyncDispose]());

test('a host tells everything', async () => {
  await mkdir(join(sshd.folder, 'apps'), { mode: 0o700 });
  await using host = await sshd.connect();
  const facts = await probeHost(host);
  const me = userInfo();
  expect(facts.user).toMatchObject({ name: me.username, uid: me.uid, gid: me.gid });
  expect(facts.user.groups.length).toBeGreaterThan(0);
  expect(facts.system.arch).toBe(execFileSync('uname', ['-m'], { encoding: 'utf8' }).trim());
  expect(facts.system.kernel).toBe(execFileSync('uname', ['-r'], { encoding: 'utf8' }).trim());
  expect(facts.system.cpus).toBe(cpus().length);
  expect(facts.memory.totalBytes).toBe(totalmem());
  expect(facts.memory.availableBytes).toBeGreaterThan(0);
  expect(facts.disk.root?.freeBytes).toBeGreaterThan(0);
  expect(facts.disk.docker?.path).toBe(facts.docker.dataRoot);
  expect(facts.docker.engine).toBe((await host.engine.version()).Version);
  expect(facts.docker.client).toMatch(/^\d+\.\d+/);
  expect(facts.docker.compose).toMatch(/^\d+\.\d+/);
  expect(facts.docker.problem).toBeUndefined();
  expect(facts.root).toMatchObject({ exists: true, owner: me.username, mode: 0o700, usable: true });
  expect(Math.abs(facts.clock.offsetMs)).toBeLessThan(2_000);
  expect(facts.listening).toContainEqual({ address: '127.0.0.1', port: sshd.port });
});

test('the quick probe says what the full one says of what a deploy reads', async () => {
  await using host = await sshd.connect();
  const [quick, full] = await Promise.all([probeQuickly(host), probeHost(host)]);
  const { client, ...docker } = full.docker;
  expect(client).toBeDefined();
  expect(quick.docker).toEqual({ ...docker, client: undefined });
  expect(quick.disk.docker?.path).toBe(full.disk.docker?.path);
  expect(quick.disk.docker?.totalBytes).toBe(full.disk.docker?.totalBytes);
  expect({ ...quick.user, ...quick.system }).toEqual({ ...full.user, ...full.system });
});

test('a folder that does not exist yet, and one that cannot be made', async () => {
  await using host = await sshd.connect({ root: join(sshd.folder, 'not', 'yet') });
  const facts = await probeHost(host);
  expect(facts.root).toMatchObject({ exists: false, mode: undefined, usable: true });
  expect(facts.disk.root?.path).toBe(join(sshd.folder, 'not', 'yet'));
  await using other = await sshd.connect({ root: '/etc/passwd/apps' });
  expect((await probeHost(other)).root.usable).toBe(false);
  await using odd = await sshd.connect({ root: `/nowhere/it's "odd" $(id)` });
  expect((await probeHost(odd)).root.exists).toBe(false);
});

test('a host that lacks most commands still answers', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bare-'));
  const needed = ['env', 'cat', 'id', 'uname', 'date', 'tr', 'cut', 'sed', 'grep'];
  for (const name of needed) await symlink(`/usr/bin/${name}`, join(folder, name));
  await using bare = await startSshd({ config: [`SetEnv PATH=${folder} HOME=${folder}`] });
  await using host = await bare.connect();
  const facts = await probeHost(host);
  expect(facts.docker).toMatchObject({
    client: undefined,
    engine: undefined,
    compose: undefined,
    problem: undefined,
  });
  expect(facts.disk).toEqual({ root: undefined, docker: undefined });
  expect(facts.memory.totalBytes).toBe(totalmem());
  await rm(folder, { recursive: true });
});

test('a host with busybox alone answers too', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-busybox-'));
  const names = execFileSync('busybox', ['--list'], { encoding: 'utf8' }).trim().split('\n');
  for (const name of names) await symlink('/bin/busybox', join(folder, name));
  await using small = await startSshd({
    config: [`SetEnv PATH=${folder} HOME=${folder}`, 'ForceCommand busybox ash -c "$SSH_ORIGINAL_COMMAND"'],
  });
  await using host = await small.connect();
  const facts = await probeHost(host);
  expect(facts.memory.totalBytes).toBe(totalmem());
  expect(facts.disk.root?.freeBytes).toBeGreaterThan(0);
  expect(Math.abs(facts.clock.offsetMs)).toBeLessThan(2_000);
  await rm(folder, { recursive: true });
});

test('an engine that does not answer is a fact, not a failure', async () => {
  await using down = await startSshd({
    config: ['SetEnv DOCKER_HOST=unix:///nowhere/engine.sock HOME=/nowhere'],
  });
  await using host = await down.connect();
  const facts = await probeHost(host);
  expect(facts.docker.engine).toBeUndefined();
  expect(facts.docker.client).toBeDefined();
  expect(facts.docker.problem).toContain('/nowhere/engine.sock');
  // The engine's route falls back to what answers here; the client's own words are those of the full probe.
  expect((await probeQuickly(host)).user).toEqual(facts.user);
});
