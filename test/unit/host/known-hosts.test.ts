import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  fingerprint,
  type KnownHost,
  keyLine,
  matchesHost,
  parseKnownHosts,
  publicKey,
} from '../../../src/host/ssh/known-hosts.ts';
import { judge, pinned, trustIn } from '../../../src/host/ssh/trust.ts';

/** A blob that is shaped like a key of the type. */
function blob(type: string, fill: number): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(type.length);
  return Buffer.concat([head, Buffer.from(type), Buffer.alloc(36, fill)]);
}
const ed = blob('ssh-ed25519', 1);
const rsa = blob('ssh-rsa', 2);
const line = (key: Buffer) => keyLine({ type: publicKey(key)?.type ?? '', blob: key });
const matches = (patterns: string, address: string, port = 22) =>
  parseKnownHosts(`${patterns} ${line(ed)}`, 'f').some((entry: KnownHost) =>
    matchesHost(entry, address, port),
  );

describe('patterns of known_hosts', () => {
  test.each([
    ['example.com', 'example.com', 22, true],
    ['example.com', 'EXAMPLE.com', 22, true],
    ['Example.COM', 'example.com', 22, true],
    ['example.com', 'example.com', 2222, false],
    ['[example.com]:2222', 'example.com', 2222, true],
    ['[example.com]:2222', 'example.com', 22, false],
    ['[example.com]:22', 'example.com', 22, true],
    ['other,example.com', 'example.com', 22, true],
    ['*.example.com', 'prod.example.com', 22, true],
    ['*.example.com', 'example.com', 22, false],
    ['prod-?.example.com', 'prod-1.example.com', 22, true],
    ['prod-?.example.com', 'prod-12.example.com', 22, false],
    ['*', 'anything', 22, true],
    ['*', 'anything', 2222, true],
    ['[*]:2222', 'anything', 2222, true],
    ['*.example.com,!staging.example.com', 'staging.example.com', 22, false],
    ['!staging.example.com,*.example.com', 'prod.example.com', 22, true],
    ['!staging.example.com', 'prod.example.com', 22, false],
    ['2001:db8::1', '2001:db8::1', 22, true],
    ['ex.mple.com', 'example.com', 22, false],
  ])('%s and %s, port %i: %s', (patterns, address, port, expected) => {
    expect(matches(patterns, address, port)).toBe(expected);
  });

  test('hashed names, of names and of names with a port', () => {
    const hashed = (name: string) => {
      const salt = Buffer.alloc(20, 7);
      return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`;
    };
    expect(matches(hashed('example.com'), 'example.com')).toBe(true);
    expect(matches(hashed('example.com'), 'example.org')).toBe(false);
    expect(matches(hashed('[example.com]:2222'), 'example.com', 2222)).toBe(true);
    expect(matches('|1|nonsense', 'example.com')).toBe(false);
  });

  test('a pattern of many stars takes no time', () => {
    expect(matches(`${'*a'.repeat(500)}b`, 'a'.repeat(2_000))).toBe(false);
  });

  test('no text makes the parser fail', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.domain(), (text, name) => {
        for (const entry of parseKnownHosts(text, 'f')) matchesHost(entry, name, 22);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('judging a key', () => {
  const trust = (text: string, port = 22) => trustIn(parseKnownHosts(text, 'f'), 'h', port);

  test('known, unknown, changed, revoked', () => {
    expect(judge(trust(`h ${line(ed)}`), ed)).toBe('known');
    expect(judge(trust(`x ${line(ed)}`), ed)).toBe('unknown');
    expect(judge(trust(''), ed)).toBe('unknown');
    expect(judge(trust(`h ${line(rsa)}`), ed)).toBe('changed');
    expect(judge(trust(`h ${line(rsa)}\nh ${line(ed)}`), ed)).toBe('known');
    expect(judge(trust(`h ${line(ed)}\n@revoked * ${line(ed)}`), ed)).toBe('revoked');
    expect(judge(trust(`@cert-authority h ${line(ed)}`), ed)).toBe('unknown');
  });

  test('the same name without our port is believed, but does not accuse', () => {
    expect(judge(trust(`h ${line(ed)}`, 2222), ed)).toBe('known');
    expect(judge(trust(`h ${line(rsa)}`, 2222), ed)).toBe('unknown');
    expect(judge(trust(`[h]:2222 ${line(rsa)}\nh ${line(ed)}`, 2222), ed)).toBe('changed');
  });

  test('lines without sense are passed over', () => {
    const text = `\n# comment\nh\nh ssh-ed25519\nh ssh-ed25519 !!!\nh ssh-rsa ${ed.toString('base64')}\n@marker h ${line(rsa)}\nh ${line(ed)} me@there\r\n`;
    expect(trust(text).sources).toEqual(['f:8']);
  });
});

describe('a pin', () => {
  test('is a key, a fingerprint, a line of ssh-keyscan, or several', () => {
    expect(judge(pinned(line(ed), 'h'), ed)).toBe('known');
    expect(judge(pinned(`${line(ed)} root@h`, 'h'), ed)).toBe('known');
    expect(judge(pinned(`[h]:22 ${line(ed)}`, 'h'), ed)).toBe('known');
    expect(judge(pinned(fingerprint(ed), 'h'), ed)).toBe('known');
    expect(judge(pinned(`${fingerprint(ed)}=`, 'h'), ed)).toBe('known');
    expect(judge(pinned(`# both\n${fingerprint(rsa)},${line(ed)}\n`, 'h'), rsa)).toBe('known');
    expect(judge(pinned(fingerprint(rsa), 'h'), ed)).toBe('changed');
  });

  test('that is none is an error, whatever it is', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(() => pinned(`x${text}`, 'h')).toThrow(
          expect.objectContaining({ code: 'host.key-malformed' }),
        );
      }),
    );
    expect(() => pinned(' \n', 'h')).toThrow(expect.objectContaining({ code: 'host.key-malformed' }));
  });
});

test('a key’s blob that is none has no type', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const key = publicKey(Buffer.from(bytes));
      expect(key === undefined || /^[a-z0-9@.-]+$/.test(key.type)).toBe(true);
    }),
  );
});
