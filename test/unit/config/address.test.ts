import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatAddress, parseAddress, parseHostKey } from '../../../src/config/address.ts';

describe('addresses', () => {
  test.each([
    ['deploy@prod-1.example.com', { user: 'deploy', address: 'prod-1.example.com', port: 22 }],
    ['deploy@prod:2222', { user: 'deploy', address: 'prod', port: 2222 }],
    ['root@10.0.0.1', { user: 'root', address: '10.0.0.1', port: 22 }],
    ['root@[fd00::1]', { user: 'root', address: 'fd00::1', port: 22 }],
    ['root@[fd00::1]:2222', { user: 'root', address: 'fd00::1', port: 2222 }],
    ['first.last_1@h', { user: 'first.last_1', address: 'h', port: 22 }],
    ['d@my_host', { user: 'd', address: 'my_host', port: 22 }],
    ['ann@corp.example.com@h', { user: 'ann@corp.example.com', address: 'h', port: 22 }],
    ['CORP\\ann@h:2222', { user: 'CORP\\ann', address: 'h', port: 2222 }],
    ['CORP+ann@[fd00::1]', { user: 'CORP+ann', address: 'fd00::1', port: 22 }],
    ['d@host.', { user: 'd', address: 'host.', port: 22 }],
  ])('%s', (text, expected) => {
    expect(parseAddress(text)).toEqual(expected);
    expect(formatAddress(expected)).toBe(text);
  });

  test.each([
    ['prod', 'must include the user'],
    ['@prod', 'must include the user'],
    ['', 'must include the user'],
    ['ssh://d@h', 'must not be a URL'],
    ['d:hunter2@h', 'must not contain a password'],
    ['d@', 'neither a name nor an IP'],
    ['d@h:', 'port outside'],
    ['d@h:0', 'port outside'],
    ['d@h:65536', 'port outside'],
    ['d@h:ssh', 'port outside'],
    ['d@1.2.3.400', 'neither a name nor an IP'],
    ['d@1.2.3', 'neither a name nor an IP'],
    ['d@fd00::1', 'IPv6 address in brackets'],
    ['d@[fd00::1', 'must be user@host'],
    ['d@[nonsense]', 'neither a name nor an IP'],
    ['d@[10.0.0.1]', 'neither a name nor an IP'],
    ['d@-oProxyCommand=x', 'neither a name nor an IP'],
    ['-oProxyCommand=x@h', 'user name'],
    ['d@a..b', 'neither a name nor an IP'],
    ['d@h h', 'neither a name nor an IP'],
    ['d e@h', 'user name'],
    ['@d@h', 'user name'],
    ['d/e@h', 'user name'],
    ['d@h;reboot', 'neither a name nor an IP'],
    ['d@$(id)', 'neither a name nor an IP'],
    [`d@${'a'.repeat(64)}`, 'neither a name nor an IP'],
  ])('refuses %j', (text, why) =>
    expect(parseAddress(text)).toEqual({ fault: expect.stringContaining(why) }),
  );

  test('whatever comes, it is read back from its own spelling or refused without being repeated', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `d@${text}`),
        ),
        (text) => {
          const parsed = parseAddress(text);
          if ('fault' in parsed) return;
          expect(parseAddress(formatAddress(parsed))).toEqual(parsed);
        },
      ),
      { numRuns: 2000 },
    );
  }, 60_000);
});

describe('host keys', () => {
  const blob = Buffer.concat([
    Buffer.from([0, 0, 0, 11]),
    Buffer.from('ssh-ed25519'),
    Buffer.alloc(36, 7),
  ]).toString('base64');
  const key = `ssh-ed25519 ${blob}`;
  const fingerprint = 'SHA256:uNiVztksCsDhcc0u9e8BrrJXVGDwCqZrzWmrCHjIXXs';

  test.each([
    [key, key],
    [`${key} root@prod`, key],
    [`prod.example.com ${key}`, key],
    [`[prod]:2222 ${key}\n`, key],
    [fingerprint, fingerprint],
    [`${fingerprint}=`, fingerprint],
    [`256 ${fingerprint} root@prod (ED25519)`, fingerprint],
  ])('%s', (text, expected) => expect(parseHostKey(text)).toBe(expected));

  test.each([
    '',
    'ssh-ed25519',
    blob,
    'ssh-ed25519 AAAA',
    `ssh-rsa ${blob}`,
    'ssh-dss AAAAB3NzaC1kc3M=',
    'SHA256:short',
    'MD5:16:27:ac:a5',
    'ssh-ed25519 not!base64',
    `a b c ${key}`,
  ])('refuses %j', (text) => expect(parseHostKey(text)).toBeUndefined());
});
