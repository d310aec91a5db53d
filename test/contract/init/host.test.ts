import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exactEnv } from '../../../src/kernel/process/child-env.ts';
import { runProcess } from '../../../src/kernel/process/process.ts';
import { type Sshd, startSshd } from '../../support/host/sshd.ts';

// `sluice init host` against a real sshd, as a person would run it.

const sluice = resolve(import.meta.dirname, '../../../bin/sluice');
let sshd: Sshd;
let folder: string;
beforeAll(async () => {
  sshd = await startSshd();
  folder = mkdtempSync(join(tmpdir(), 'sluice-init-host-'));
});
afterAll(async () => {
  await sshd[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const address = (server: Sshd) => `${userInfo().username}@127.0.0.1:${server.port}`;

/** A sluice.yml that names the server, with a folder of its own for the apps. */
async function describe(server: Sshd, root: string, pinned: boolean): Promise<void> {
  const key = pinned ? `, host-key: ${await server.hostKey()}` : '';
  writeFileSync(
    join(folder, 'compose.yml'),
    `services:\n  web: { image: x, ports: ["${server.port}:80"] }\n`,
  );
  writeFileSync(
    join(folder, 'sluice.yml'),
    `app: shop\ntargets:\n  production: { hosts: [{ host: "${address(server)}", root: ${root}${key} }] }\n`,
  );
}

async function initHost(server: Sshd, ...args: string[]) {
  const env = {
    PATH: process.env['PATH'],
    HOME: folder,
    NO_COLOR: '1',
    SLUICE_SSH_KEY_FILE: server.loginKey,
  };
  return await runProcess([process.execPath, sluice, 'init', 'host', address(server), ...args], {
    cwd: folder,
    env: exactEnv(env),
  });
}

test('an unknown host key ends it: fingerprint and how to pin it, and nothing was run there', async () => {
  const root = join(folder, 'unknown');
  await describe(sshd, root, false);
  const { code, stdout, stderr } = await initHost(sshd);
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toContain(`Unknown host key of ${address(sshd)}: ${sshd.fingerprint()}`);
  expect(stderr).toContain('ssh-keyscan');
  expect(stderr).toContain('[host.key-unknown]');
  expect(existsSync(root)).toBe(false);
  expect(sshd.log()).not.toContain('Accepted publickey');
});

test('a server that has everything: the folder is made, private, and the exit code is 0', async () => {
  const root = join(folder, 'apps');
  await describe(sshd, root, true);
  const { code, stdout } = await initHost(sshd);
  expect(stdout.split('\n')[0]).toBe(`${address(sshd)} is ready for deploys`);
  expect(code).toBe(0);
  expect(stdout).toContain(`Created ${root} (mode 700)`);
  expect(statSync(root).mode & 0o777).toBe(0o700);
  expect(stdout).not.toContain('As root');
  const again = JSON.parse((await initHost(sshd, '--json')).stdout) as object;
  expect(again).toMatchObject({ ok: true, tasks: [] });
  expect(again).not.toHaveProperty('created');
});

test('the ports of the app are looked at', async () => {
  await describe(sshd, join(folder, 'apps'), true);
  const free = await initHost(sshd);
  // sshd listens on the loopback address alone, which leaves the port to others.
  expect(free.stdout).toContain(`${sshd.port} is free`);
});

test('a server without Docker: what root has to do, to copy, and the exit code is 1', async () => {
  const bin = mkdtempSync(join(folder, 'bin-'));
  for (const name of [
    'env',
    'cat',
    'id',
    'uname',
    'date',
    'tr',
    'cut',
    'sed',
    'grep',
    'mkdir',
    'stat',
    'sh',
    'dirname',
    'df',
    'tail',
  ]) {
    symlinkSync(execFileSync('which', [name], { encoding: 'utf8' }).trim(), join(bin, name));
  }
  await using bare = await startSshd({ config: [`SetEnv PATH=${bin} HOME=${folder}`] });
  await describe(bare, '/etc/passwd/apps', true);
  const { code, stdout } = await initHost(bare);
  expect(code).toBe(1);
  expect(stdout.split('\n')[0]).toBe(`${address(bare)} is not ready: 2 problems to fix`);
  expect(stdout).toContain('Run as root on the server (Sluice ran none of this):');
  expect(stdout).toMatch(/^ {7}curl -fsSL https:\/\/get\.docker\.com -o get-docker\.sh$/m);
  expect(stdout).toMatch(/^ {7}(?:sudo )?install -d -o \S+ -m 700 \/etc\/passwd\/apps$/m);
});

test('a folder that cannot be made after all is an error with a way out', async () => {
  await describe(sshd, '/proc/no-place', true);
  const { code, stdout } = await initHost(sshd);
  // Root may write anywhere by the permission bits; others are told that it takes root.
  expect(stdout).toMatch(/Cannot create \/proc\/no-place|install -d -o \S+ -m 700 \/proc\/no-place/);
  expect(code).toBe(1);
});

test('a wrong address is told before anything is connected to, without repeating it', async () => {
  const env = { PATH: process.env['PATH'], HOME: folder };
  const { code, stderr } = await runProcess([process.execPath, sluice, 'init', 'host', 'deploy:hunter2@a'], {
    cwd: folder,
    env: exactEnv(env),
  });
  expect(code).toBe(2);
  expect(stderr).toContain('must not contain a password');
  expect(stderr).not.toContain('hunter2');
});
