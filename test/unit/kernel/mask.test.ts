import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createMask } from '../../../src/kernel/masking/mask.ts';

function scrubbed(secrets: readonly string[], text: string): string {
  const mask = createMask();
  for (const secret of secrets) mask.add(secret);
  return mask.scrub(text);
}

/** Secrets as they are: passwords with any character, keys of several lines, half surrogates and all. */
const secret = fc
  .oneof(
    fc.string({ unit: 'binary', minLength: 6, maxLength: 60 }),
    fc.string({ unit: 'grapheme', minLength: 6, maxLength: 60 }),
    fc.string({ minLength: 6, maxLength: 60 }),
    fc
      .array(fc.base64String({ minLength: 24, maxLength: 64 }), { minLength: 2, maxLength: 6 })
      .map((lines) => lines.join('\n')),
  )
  // Stars could be our own: `***` is what a secret is replaced by.
  .filter((text) => text.trim().length >= 6 && !text.includes('*'));

const forms: Record<string, (secret: string) => string> = {
  plain: (text) => text,
  JSON: (text) => JSON.stringify(text).slice(1, -1),
  'JSON in JSON': (text) => JSON.stringify(JSON.stringify(text)).slice(3, -3),
  'a URL': (text) => encodeURIComponent(text.toWellFormed()),
  'a form': (text) => new URLSearchParams({ '': text }).toString().slice(1),
  base64: (text) => Buffer.from(text).toString('base64'),
  'base64 for URLs': (text) => Buffer.from(text).toString('base64url'),
};

describe('a secret never survives', () => {
  test.each(Object.entries(forms))('as %s, wherever it stands', (_, form) => {
    fc.assert(
      fc.property(secret, fc.string(), fc.string(), (value, before, after) => {
        const written = form(value);
        const clean = scrubbed([value], `${before}${written}${after}`);
        expect(clean).not.toContain(written);
        expect(clean).toContain('***');
      }),
      { numRuns: 300 },
    );
  });

  test('as one of its lines', () => {
    const key = '-----BEGIN KEY-----\r\n  c2VjcmV0LW9uZQ\r\nc2VjcmV0LXR3bw\r\n-----END KEY-----\r\n';
    expect(scrubbed([key], 'line: c2VjcmV0LXR3bw, c2VjcmV0LW9uZQ.')).toBe('line: ***, ***.');
  });

  test('when another one is part of it, whichever comes first', () => {
    expect(scrubbed(['postgres', 'postgres-1234'], 'pw=postgres-1234')).toBe('pw=***');
    expect(scrubbed(['postgres-1234', 'postgres'], 'pw=postgres-1234')).toBe('pw=***');
  });

  test('beside many others', () => {
    fc.assert(
      fc.property(fc.array(secret, { minLength: 2, maxLength: 8 }), (values) => {
        const clean = scrubbed(values, values.join('\n'));
        for (const value of values) expect(clean).not.toContain(value);
      }),
      { numRuns: 200 },
    );
  });
});

describe('ordinary text', () => {
  test('stays as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(scrubbed([], text)).toBe(text);
        expect(scrubbed(['', ' ', 'short'], text.replaceAll('short', ''))).toBe(text.replaceAll('short', ''));
      }),
    );
  });

  test('a value under 6 characters is not masked: it would blank ordinary words', () => {
    expect(scrubbed(['admin'], 'the administrator')).toBe('the administrator');
    expect(scrubbed(['admin1'], 'pw admin1')).toBe('pw ***');
  });

  test('a secret with characters that mean something in a pattern or a replacement', () => {
    expect(scrubbed(['$&.*+?^(){}|[]\\'], 'a$&.*+?^(){}|[]\\b')).toBe('a***b');
  });
});

test('onAdd gets each value and each line once, and nothing that is several lines or an encoded form', () => {
  const heard: string[] = [];
  const mask = createMask((value) => heard.push(value));
  for (const value of ['plainsecret', 'plainsecret', 'line-one\nline-two\nplainsecret']) mask.add(value);
  expect(heard).toEqual(['plainsecret', 'line-one', 'line-two']);
});

describe('data', () => {
  const mask = createMask();
  mask.add('s3cret-value');
  mask.add('message');

  test('keeps its shape and the names of its fields', () => {
    const data = {
      message: 'a message with s3cret-value',
      list: [1, null, undefined, 's3cret-value'],
      map: new Map([['s3cret-value', 's3cret-value']]),
      's3cret-value of 1': true,
    };
    expect(mask.scrubData(data)).toEqual({
      message: 'a *** with ***',
      list: [1, null, undefined, '***'],
      map: new Map([['***', '***']]),
      '*** of 1': true,
    });
  });
});

test('two secrets that overlap leave nothing of each other', () => {
  expect(scrubbed(['abcdefgh', 'fghijklm'], '<abcdefghijklm>')).toBe('<***>');
});

test('a long text costs no more than its length, whatever it is made of', () => {
  const mask = createMask();
  for (const value of ['a'.repeat(100_000), '%'.repeat(5_000), '\\'.repeat(5_000), '&#97;'.repeat(1_000)])
    mask.add(value);
  const begun = performance.now();
  for (const part of ['a', '%61', '\\', '&#97;', '&', '%2561', 'a%\\&'])
    mask.scrub(part.repeat(100_000 / part.length));
  expect(performance.now() - begun).toBeLessThan(20_000);
});

test('a secret between colors keeps those around it; one in the midst of it goes', () => {
  const mask = createMask();
  mask.add('Qm7Xk2Vt9Zr4');
  expect(mask.scrub('\u001b[31mQm7Xk2Vt9Zr4\u001b[39m is wrong')).toBe('\u001b[31m***\u001b[39m is wrong');
  expect(mask.scrub('\u001b[31mQm7X\u001b[1mk2Vt9Zr4\u001b[39m is wrong')).toBe(
    '\u001b[31m***\u001b[39m is wrong',
  );
  expect(mask.scrub('{"a":"Qm7X\\u001b[1mk2Vt9Zr4\\u001b[39m"}')).toBe('{"a":"***\\u001b[39m"}');
});

test('a text that everybody may read is no rest of a secret, but no secret is read for it', () => {
  const mask = createMask();
  for (const text of ['bookshop_live', 'live-at-bookshop']) mask.add(text);
  expect(mask.scrubData({ app: 'bookshop', line: 'deploys bookshop' })).toEqual({
    app: '***',
    line: 'deploys ***',
  });
  mask.keep(['bookshop']);
  const open = { app: 'bookshop', line: 'deploys bookshop', first: 'bookshop runs' };
  expect(mask.scrubData(open)).toEqual(open);
  expect(mask.scrub('bookshop_live of bookshop')).toBe('*** of bookshop');
  expect(mask.scrub('ends with bookshop_l')).toBe('ends with ***');
});
