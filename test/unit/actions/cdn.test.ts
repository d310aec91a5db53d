import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { actionFiles } from '../../../scripts/action-files.ts';
import { rules, runCdn, type SiteInputs } from '../../../src/actions/cdn.ts';
import { tellLook, tellPublication, tellSitePlan } from '../../../src/actions/results/cdn.ts';
import { type OpenJob, openJob } from '../../../src/actions/step/job.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { createLog } from '../../../src/kernel/log.ts';
import { createMask } from '../../../src/kernel/masking/mask.ts';
import { keyValues } from '../../bundle/harness/runner.ts';
import * as seen from '../../support/cdn/report-fixtures.ts';

let folder: string;
let printed: string[];
const path = (name: string) => join(folder, name);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-cdn-job-'));
  printed = [];
  for (const name of ['output', 'summary']) writeFileSync(path(name), '');
  // @actions/core reads the process's own environment.
  process.env['GITHUB_OUTPUT'] = path('output');
});
afterEach(() => {
  delete process.env['GITHUB_OUTPUT'];
  rmSync(folder, { recursive: true, force: true });
});

async function job(): Promise<OpenJob> {
  const mask = createMask();
  const write = () => {};
  const log = createLog({ mode: 'plain', verbose: false, colour: false, clock: systemClock, mask, write });
  const env = { GITHUB_STEP_SUMMARY: path('summary') };
  const print = (text: string) => void printed.push(text);
  return await openJob({ log, mask, signal: new AbortController().signal, clock: systemClock, env, print });
}
const outputs = () => keyValues(readFileSync(path('output'), 'utf8'));

describe('the outputs of cdn', () => {
  const files = actionFiles(resolve(import.meta.dirname, '../../..'));
  const described = (name: string) => Object.keys(files.find((file) => file.name === name)?.outputs ?? {});

  test('of a publication are those that action.yml describes, and with a prefix those of the pipeline', async () => {
    expect(await tellPublication(seen.report, await job(), '')).toBe(true);
    expect(outputs()).toEqual({
      ...{ outcome: 'published', release: 'v1.2.3', number: '13', previous: '12' },
      ...{ changed: '8', removed: '2', 'uploaded-bytes': '374483', requests: '27' },
      ...{ url: 'https://app.example.com/', verdict: 'pass', findings: '0' },
    });
    expect(Object.keys(outputs()).sort()).toEqual(
      described('cdn')
        .filter((name) => name !== 'dist')
        .sort(),
    );
    writeFileSync(path('output'), '');
    await tellPublication(seen.report, await job(), 'cdn-');
    const ofPipeline = described('pipeline').filter((name) => name.startsWith('cdn-'));
    expect(Object.keys(outputs()).sort()).toEqual(ofPipeline.sort());
  });

  test('of nothing to do name the release that is live', async () => {
    await tellPublication(
      { ...seen.report, plan: seen.idle, outcome: 'nothing', verify: undefined },
      await job(),
      '',
    );
    expect(outputs()).toMatchObject({ outcome: 'nothing', number: '12', verdict: 'none', findings: '' });
  });

  test('of a plan and of a look are among them', async () => {
    expect(await tellSitePlan(seen.plan, await job(), '')).toBe(true);
    expect(outputs()).toMatchObject({ outcome: 'planned', number: '13', requests: '27' });
    expect(await tellLook(seen.verify, await job())).toBe(true);
    expect(outputs()).toMatchObject({ outcome: 'verified', verdict: 'pass' });
    for (const name of Object.keys(outputs())) expect(described('cdn')).toContain(name);
  });
});

test('the folder of a site is named without keys, also for a pull request of a fork', async () => {
  const config = path('sluice.yml');
  writeFileSync(config, 'app: shop\ncdn: { dist: web/dist, store: "s3://assets" }\n');
  const rest = {
    'dry-run': false,
    name: undefined,
    to: undefined,
    dist: undefined,
    'allow-removals': false,
    verify: true,
  };
  expect(await runCdn({ ...rest, command: 'dist', target: 'production', config }, await job())).toBe(true);
  expect(resolve(outputs()['dist'] ?? '')).toBe(path('web/dist'));
});

describe('a site that is not what was published', () => {
  test('ends the step with what is wrong, in log and summary, and how to go back', async () => {
    expect(await tellPublication({ ...seen.report, verify: seen.faulty }, await job(), '')).toBe(false);
    expect(outputs()).toMatchObject({ outcome: 'published', verdict: 'fail', findings: '2' });
    expect(printed.join('\n')).toContain('→ Roll back: sluice cdn rollback --target production --to 12');
    expect(readFileSync(path('summary'), 'utf8')).toMatch(/^## 🔴 &#35;13 v1\.2\.3 is published, but/);
  });

  test('also when one only looks', async () => {
    expect(await tellLook(seen.faulty, await job())).toBe(false);
    expect(printed.join('\n')).toMatch(
      /^✗ https:\/\/app\.example\.com\/ does not match the published release/,
    );
  });
});

test('inputs that contradict the command are named', () => {
  const given: SiteInputs = {
    ...{ target: undefined, command: 'publish', name: undefined, to: undefined, config: undefined },
    ...{ dist: undefined, 'allow-removals': false, verify: true, 'dry-run': false },
  };
  const wrong = (more: Partial<SiteInputs>) => rules({ ...given, ...more }).length;
  expect([
    wrong({ name: 'v1', dist: 'dist', 'allow-removals': true }),
    wrong({ command: 'plan', to: '12' }),
    wrong({ command: 'rollback', to: '12' }),
    wrong({ to: '12' }),
    wrong({ command: 'verify', to: '12' }),
    wrong({ command: 'plan', to: '12', name: 'v1' }),
    wrong({ command: 'verify', dist: 'dist' }),
    wrong({ command: 'dist', dist: 'dist' }),
    wrong({ 'dry-run': true, name: 'v1' }),
    wrong({ command: 'rollback', 'dry-run': true, to: '12' }),
    wrong({ command: 'verify', 'dry-run': true }),
  ]).toEqual([0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 1]);
});
