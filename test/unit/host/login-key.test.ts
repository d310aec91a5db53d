import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readLoginKey } from '../../../src/host/ssh/login-key.ts';
import { UserError } from '../../../src/kernel/errors.ts';

// The forms that OpenSSH writes are tested against a real sshd; here are those of other tools, and nonsense.

function codeOf(text: string, passphrase?: string): string {
  try {
    readLoginKey(text, 'KEY', passphrase);
    return 'read';
  } catch (error) {
    if (error instanceof UserError) return error.code;
    throw error;
  }
}

test('PKCS#8 of RSA and EC is read, ed25519 in PKCS#8 gets a hint', () => {
  const pem = { type: 'pkcs8', format: 'pem' } as const;
  expect(codeOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export(pem).toString())).toBe(
    'read',
  );
  expect(codeOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export(pem).toString())).toBe(
    'read',
  );
  expect(codeOf(generateKeyPairSync('ed25519').privateKey.export(pem).toString())).toBe(
    'host.login-key-malformed',
  );
});

test('encrypted PKCS#8: with, without and with the wrong passphrase', () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const text = privateKey
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'open' })
    .toString();
  expect(codeOf(text, 'open')).toBe('read');
  expect(codeOf(text)).toBe('host.login-key-encrypted');
  expect(codeOf(text, 'shut')).toBe('host.login-key-passphrase');
});

test.each([
  'ssh-ed25519 AAAA me',
  'ecdsa-sha2-nistp256 AAAA',
  '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----',
  '---- BEGIN SSH2 PUBLIC KEY ----',
])('a public key: %s', (text) => {
  expect(codeOf(text)).toBe('host.login-key-public');
});

test('no text is a bug of ours', () => {
  const begin = fc.constantFrom(
    '',
    '-----BEGIN OPENSSH PRIVATE KEY-----\n',
    '-----BEGIN RSA PRIVATE KEY-----\n',
    '-----BEGIN PRIVATE KEY-----\n',
    'PuTTY-User-Key-File-2: ssh-rsa\n',
  );
  const end = fc.constantFrom(
    '',
    '\n-----END OPENSSH PRIVATE KEY-----',
    '\n-----END RSA PRIVATE KEY-----',
    '\n-----END PRIVATE KEY-----',
  );
  const body = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.base64String(),
    fc
      .uint8Array()
      .map((bytes) => Buffer.concat([Buffer.from('openssh-key-v1\0'), bytes]).toString('base64')),
  );
  fc.assert(
    fc.property(
      begin,
      body,
      end,
      fc.option(fc.string(), { nil: undefined }),
      (head, middle, tail, passphrase) => {
        expect(codeOf(head + middle + tail, passphrase)).toMatch(/^host\.login-key-/);
      },
    ),
    { numRuns: 1_000 },
  );
});
