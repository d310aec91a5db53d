import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openJob } from '../../../src/actions/step/job.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { createLog } from '../../../src/kernel/log.ts';
import { createMask } from '../../../src/kernel/masking/mask.ts';
import { keyValues } from '../../bundle/harness/runner.ts';

let folder: string;
let said: string;
const names = ['GITHUB_OUTPUT', 'GITHUB_STATE'] as const;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-job-'));
  said = '';
  for (const name of names) {
    // @actions/core reads the process's own environment.
    process.env[name] = join(folder, name);
    writeFileSync(join(folder, name), '');
  }
});
afterEach(() => {
  for (const name of names) delete process.env[name];
  rmSync(folder, { recursive: true, force: true });
});

async function job() {
  const mask = createMask();
  mask.add('s3cret-value');
  const write = (text: string) => {
    said += text;
  };
  const log = createLog({ mode: 'plain', verbose: false, colour: false, clock: systemClock, mask, write });
  const signal = new AbortController().signal;
  return await openJob({ log, mask, signal, clock: systemClock, env: {}, print: () => {} });
}
const written = (name: (typeof names)[number]) => keyValues(readFileSync(join(folder, name), 'utf8'));

test('outputs and states come back as they were, whatever is in them', async () => {
  const { output, remember } = await job();
  const hostile = [
    'a\nb',
    'EOF\nghadelimiter_0\nx=y<<z\n',
    'ghadelimiter_00000000-0000-0000-0000-000000000000',
    '::set-output name=a::b',
    '',
    '\n\n',
  ];
  const text = fc.oneof(fc.constantFrom(...hostile), fc.string({ unit: 'grapheme' }));
  await fc.assert(
    fc.asyncProperty(text, text, async (one, two) => {
      for (const name of names) writeFileSync(join(folder, name), '');
      output('one', one);
      output('two', two);
      remember('one', two);
      expect(written('GITHUB_OUTPUT')).toEqual({ one, two });
      expect(written('GITHUB_STATE')).toEqual({ one: two });
    }),
  );
});

test('a secret is no output', async () => {
  (await job()).output('url', 'https://s3cret-value@example.com');
  expect(written('GITHUB_OUTPUT')).toEqual({ url: 'https://***@example.com' });
});

test('an output that GitHub would not take is left out, with a warning', async () => {
  const { output } = await job();
  output('images', 'x'.repeat(600_000));
  output('release', 'v1');
  expect(written('GITHUB_OUTPUT')).toEqual({ release: 'v1' });
  expect(said).toContain('Output images is omitted');
});

test('a file that is not there is an error of the runner’s, not a bug', async () => {
  const { output } = await job();
  rmSync(join(folder, 'GITHUB_OUTPUT'));
  expect(() => output('a', 'b')).toThrow(
    /Cannot write the runner's file for outputs or states: Missing file/,
  );
});
