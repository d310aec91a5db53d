import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { failure, keygen, type Sshd, startSshd } from '../../support/host/sshd.ts';

// Whom we talk to: every way a host key can be known, unknown or wrong, against a real sshd.

let sshd: Sshd;
let known: string;

beforeAll(async () => {
  sshd = await startSshd({ hostKeys: ['ed25519', 'ecdsa', 'rsa'] });
  known = join(sshd.folder, 'known_hosts');
});
afterAll(() => sshd[Symbol.asyncDispose]());

/** Connects with known_hosts alone. */
async function connectKnowing(text: string) {
  await writeFile(known, text);
  return sshd.connect({ hostKey: undefined }, { knownHosts: [known] });
}

async function works(host: Awaited<ReturnType<Sshd['connect']>>) {
  await using open = host;
  expect((await open.script('echo here')).stdout).toBe('here\n');
}

describe('a pinned key', () => {
  test.each(['ed25519', 'ecdsa', 'rsa'])('of type %s is asked for and accepted', async (type) => {
    await works(await sshd.connect({ hostKey: await sshd.hostKey(type) }));
  });

  test.each(['ed25519', 'ecdsa', 'rsa'])('may be the fingerprint of the %s key', async (type) => {
    await works(await sshd.connect({ hostKey: sshd.fingerprint(type) }));
  });

  test('may be one of several', async () => {
    const wrong = `SHA256:${'A'.repeat(43)}`;
    await works(await sshd.connect({ hostKey: `${wrong}\n${await sshd.hostKey('rsa')}` }));
    await works(await sshd.connect({ hostKey: `${wrong}, ${sshd.fingerprint('ecdsa')}` }));
  });

  test('that differs ends the connection before the login', async () => {
    const logins = () => sshd.log().split('Accepted publickey').length;
    const before = logins();
    const error = await failure(sshd.connect({ hostKey: await otherKey() }));
    expect(error.code).toBe('host.key-changed');
    expect(error.message).toContain('HAS CHANGED');
    expect(error.output).toContain(sshd.fingerprint());
    expect(logins()).toBe(before);
  });

  test('whose fingerprint none of the server’s keys has, is a changed key', async () => {
    const error = await failure(sshd.connect({ hostKey: `SHA256:${'A'.repeat(43)}` }));
    expect(error.code).toBe('host.key-changed');
    expect(error.output).toContain('A'.repeat(43));
  });

  test.each([
    'ssh-ed25519',
    'MD5:00:11',
    'ssh-ed25519 not-base64!',
    'SHA256:short',
    'ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAA',
  ])('that is none (%s) is refused before connecting', async (hostKey) => {
    const error = await failure(sshd.connect({ hostKey }));
    expect(error.code).toBe('host.key-malformed');
  });
});

describe('known_hosts', () => {
  test('plain, with the port', async () => {
    await works(await connectKnowing(`[127.0.0.1]:${sshd.port} ${await sshd.hostKey()}\n`));
  });

  test('plain, without the port, as OpenSSH accepts it', async () => {
    await works(await connectKnowing(`127.0.0.1 ${await sshd.hostKey('rsa')}\n`));
  });

  test('hashed by ssh-keygen -H', async () => {
    await writeFile(known, `[127.0.0.1]:${sshd.port} ${await sshd.hostKey('ecdsa')}\n`);
    execFileSync('ssh-keygen', ['-H', '-f', known], { stdio: 'ignore' });
    const text = await readFile(known, 'utf8');
    expect(text).toContain('|1|');
    expect(text).not.toContain('127.0.0.1');
    await works(await connectKnowing(text));
  });

  test('as ssh-keyscan writes it', async () => {
    const scan = execFileSync('ssh-keyscan', ['-p', String(sshd.port), '127.0.0.1'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await works(await connectKnowing(scan));
  });

  test('with wildcards, and a negation that wins', async () => {
    const key = await sshd.hostKey();
    await works(await connectKnowing(`[127.0.0.*]:${sshd.port} ${key}\n`));
    const error = await failure(connectKnowing(`[127.*]:*,![127.0.0.1]:${sshd.port} ${key}\n`));
    expect(error.code).toBe('host.key-unknown');
  });

  test('from SLUICE_KNOWN_HOSTS, the text itself', async () => {
    const env = {
      SLUICE_KNOWN_HOSTS: `[127.0.0.1]:${sshd.port} ${await sshd.hostKey()}`,
      SLUICE_SSH_KEY_FILE: sshd.loginKey,
    };
    await works(await sshd.connect({ hostKey: undefined }, { env }));
  });

  test('another key for the host is a changed key', async () => {
    const error = await failure(
      connectKnowing(`# a comment\n[127.0.0.1]:${sshd.port} ${await otherKey()}\n`),
    );
    expect(error.code).toBe('host.key-changed');
    expect(error.hint).toContain(`${known}:2`);
  });

  test('a key of a type the server does not have is a changed key too', async () => {
    await using single = await startSshd({ hostKeys: ['ed25519'] });
    const error = await failure(single.connect({ hostKey: await sshd.hostKey('rsa') }));
    expect(error.code).toBe('host.key-changed');
  });

  test('another key for the same name without our port is merely unknown', async () => {
    const error = await failure(connectKnowing(`127.0.0.1 ${await otherKey()}\n`));
    expect(error.code).toBe('host.key-unknown');
  });

  test('a revoked key is refused even if another line accepts it', async () => {
    const key = await sshd.hostKey();
    const line = `[127.0.0.1]:${sshd.port} ${key}`;
    const error = await failure(connectKnowing(`${line}\n@revoked ${line}\n`));
    expect(error.code).toBe('host.key-revoked');
  });

  test('a certificate authority does not vouch, and the message says so', async () => {
    const error = await failure(connectKnowing(`@cert-authority * ${await otherKey()}\n`));
    expect(error.code).toBe('host.key-unknown');
    expect(error.hint).toContain('certificate authority');
  });

  test('an unknown key: fingerprint, the line to pin, and how to scan', async () => {
    const error = await failure(connectKnowing('garbage\n\n@what is this\n'));
    expect(error.code).toBe('host.key-unknown');
    expect(error.message).toContain(sshd.fingerprint());
    expect(error.hint).toContain(`host-key: ${await sshd.hostKey()}`);
    expect(error.hint).toContain(`ssh-keyscan -p ${sshd.port} 127.0.0.1`);
    // What the message proposes works.
    const line = /host-key: (.*)/.exec(error.hint ?? '')?.[1];
    await works(await sshd.connect({ hostKey: line }));
  });

  test('a file that cannot be read is an error, a missing one is not', async () => {
    const error = await failure(sshd.connect({ hostKey: undefined }, { knownHosts: [sshd.folder] }));
    expect(error.code).toBe('host.known-hosts');
    const missing = await failure(
      sshd.connect({ hostKey: undefined }, { knownHosts: ['/nowhere/known_hosts'] }),
    );
    expect(missing.code).toBe('host.key-unknown');
  });
});

let made = 0;
async function otherKey(): Promise<string> {
  const file = join(sshd.folder, `other_${made++}`);
  keygen('-t', 'ed25519', '-f', file);
  return (await readFile(`${file}.pub`, 'utf8')).split(' ').slice(0, 2).join(' ').trim();
}
