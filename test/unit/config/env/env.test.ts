import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { envVersion, loadEnv } from '../../../../src/config/env/env.ts';
import type { EnvSource } from '../../../../src/config/model.ts';
import { errorsOf, host, linesOf, target } from '../../../support/config/fixtures.ts';

describe('loadEnv', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'config-env-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const load = (
    sources: readonly EnvSource[],
    env: Record<string, string> = {},
    own: Partial<typeof host> = {},
  ) =>
    loadEnv(
      { folder },
      { ...target, env: sources },
      { ...host, ...own },
      {
        env,
        readHostFile: async (path) => (path === '/etc/shop.env' ? 'ON_HOST=1\nC=host' : undefined),
      },
    );

  test('merges the sources in their order, and the host comes last', async () => {
    writeFileSync(join(folder, '.env'), 'A=file\nB=file\nC=file\nD=file\nE=$A');
    const { values, origins, duplicates } = await load(
      [
        { kind: 'file', path: '.env' },
        { kind: 'secret-file', variable: 'ALL' },
        { kind: 'host-file', path: '/etc/shop.env' },
        { kind: 'variables', names: ['D'] },
      ],
      { ALL: 'B=secret\nF=${B}-$A\nF=again', D: 'single', UNRELATED: 'x' },
      { env: { ZONE: 'b' }, name: 'd@h' },
    );
    expect({ ...values }).toEqual({
      A: 'file',
      B: 'secret',
      C: 'host',
      D: 'single',
      E: 'file',
      F: 'again',
      ON_HOST: '1',
      ZONE: 'b',
    });
    expect({ ...origins }).toMatchObject({
      A: '.env:1',
      B: 'ALL:1',
      C: '/etc/shop.env:2',
      D: 'the environment',
      ZONE: 'd@h',
    });
    expect(duplicates).toEqual([{ name: 'F', origin: 'ALL:3' }]);
  });

  test('all names that are missing are told in one error; an empty secret counts as missing', async () => {
    const sources: EnvSource[] = [
      { kind: 'secret-file', variable: 'ALL' },
      { kind: 'variables', names: ['A', 'B', 'C'] },
    ];
    expect(await linesOf(() => load(sources, { A: '', C: 'x' }))).toEqual([
      'targets.production: ALL, A, B are not set (or empty) where Sluice runs [env.missing]',
    ]);
    expect(
      await load([{ kind: 'variables', names: ['A'] }], {}, { env: { A: 'by the host' } }),
    ).toMatchObject({ values: { A: 'by the host' } });
  });

  test('a name alone in an env file asks for it as env does', async () => {
    writeFileSync(join(folder, '.env'), 'A\nB\n');
    expect(await linesOf(() => load([{ kind: 'file', path: '.env' }], { A: '1' }))).toEqual([
      'targets.production: B is not set (or empty) where Sluice runs [env.missing]',
    ]);
  });

  test('a reference never reaches the environment of the runner', async () => {
    writeFileSync(join(folder, '.env'), 'A=$HOME');
    expect(
      await errorsOf(() => load([{ kind: 'file', path: '.env' }], { HOME: '/home/runner' })),
    ).toMatchObject([{ code: 'env.reference' }]);
  });

  test('files that are missing, folders, not UTF-8, too large', async () => {
    writeFileSync(join(folder, 'latin1.env'), Buffer.from('A=caf\xe9', 'latin1'));
    writeFileSync(join(folder, 'large.env'), `A=${'x'.repeat(2 * 1024 * 1024)}`);
    const line = async (source: EnvSource, env = {}) => (await linesOf(() => load([source], env))).join();
    expect(await line({ kind: 'file', path: 'none.env' })).toContain(
      'none.env does not exist [env.file-missing]',
    );
    expect(await line({ kind: 'file', path: '.' })).toContain('. is a folder [env.file-missing]');
    expect(await line({ kind: 'file', path: 'latin1.env' })).toContain('not UTF-8 text [env.encoding]');
    expect(await line({ kind: 'file', path: 'large.env' })).toContain('larger than 1 MiB');
    expect(await line({ kind: 'host-file', path: '/etc/none' })).toContain(
      '/etc/none does not exist on the host [env.file-missing]',
    );
    expect(await line({ kind: 'variables', names: ['BIG'] }, { BIG: 'x'.repeat(200_000) })).toContain(
      'BIG is larger than 128 KiB [env.too-large]',
    );
    const many = Object.fromEntries(
      Array.from({ length: 20 }, (_, index) => [`V${index}`, 'x'.repeat(100_000)]),
    );
    expect(await line({ kind: 'variables', names: Object.keys(many) }, many)).toContain(
      'All variables together',
    );
    expect(await line({ kind: 'secret-file', variable: 'ALL' }, { ALL: 'A="\\0000"' })).toContain(
      'A contains a NUL byte',
    );
  });

  test('any value arrives as it is', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'binary', minLength: 1 }).filter((text) => !text.includes('\0')),
        async (value) => {
          const { values } = await load([{ kind: 'variables', names: ['A'] }], { A: value });
          expect(values['A']).toBe(value);
        },
      ),
    );
  });

  test('the version tells one env from another, whatever the order', () => {
    const version = envVersion('shop', { A: '1', B: '2' });
    expect(version).toMatch(/^[0-9a-f]{12}$/);
    expect(envVersion('shop', { B: '2', A: '1' })).toBe(version);
    expect(
      new Set([
        version,
        envVersion('shop', { A: '1' }),
        envVersion('shop', { A: '1', B: '3' }),
        envVersion('x', { A: '1', B: '2' }),
        envVersion('shop', { A: '1","B":"2' }),
      ]).size,
    ).toBe(5);
  });
});
