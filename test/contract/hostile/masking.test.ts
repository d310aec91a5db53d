import { spawnSync } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { tellChecks } from '../../../src/actions/results/check.ts';
import { tellDeploy } from '../../../src/actions/results/deploy.ts';
import { openJob } from '../../../src/actions/step/job.ts';
import { tellErrors } from '../../../src/actions/step/trouble.ts';
import { createTranscript } from '../../../src/checks/runner/spawn.ts';
import { judge } from '../../../src/checks/verdict/judge.ts';
import { loadEnv } from '../../../src/config/env/env.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { UserError } from '../../../src/kernel/errors.ts';
import { createLog } from '../../../src/kernel/log.ts';
import { createMask, type Mask } from '../../../src/kernel/masking/mask.ts';
import { runProcess } from '../../../src/kernel/process/process.ts';
import type { DeployReport } from '../../../src/report/model.ts';
import { notifySlack } from '../../../src/report/notify.ts';
import { writeReports } from '../../../src/report/write.ts';
import { context, finding, missing, ran } from '../../support/checks/fixtures.ts';
import { forms, readIn } from '../../support/hostile/secret-forms.ts';
import { undone } from '../../support/report/fixtures.ts';

/**
 * A value of a source of secrets, whatever its variable is called, is printed by a tool or an app in any way there is to
 * write it, at any place, and goes through everything of ours that writes. Nobody can read eight characters of it in a row.
 */

const folder = mkdtempSync(join(tmpdir(), 'sluice-masking-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => void vi.restoreAllMocks());

const names = 'STRIPE_KEY APP_KEY JWT KEYCLOAK_ADMIN SENTRY SMTP MAGIC S3_ID DATABASE_URL'.split(' ');
const host = {
  name: 'h',
  address: 'h',
  port: 22,
  user: 'd',
  root: '/opt/sluice',
  env: {},
  services: undefined,
};

/** Reads the value as a target's sources give it. */
async function maskOf(
  name: string,
  value: string,
  source: 'env-secret' | 'host-env-file' | 'env',
): Promise<Mask> {
  const mask = createMask();
  const written = `${name}="${value.replace(/["\\$`]/g, '\\$&').replaceAll('\n', '\\n')}"\n`;
  const env = {
    'env-secret': { kind: 'secret-file', variable: 'ENV_FILE' },
    'host-env-file': { kind: 'host-file', path: '/etc/app.env' },
    env: { kind: 'variables', names: [name] },
  } as const;
  const target = { name: 'prod', hosts: [], env: [env[source]] };
  const effects = { env: { ENV_FILE: written, [name]: value }, readHostFile: async () => written, mask };
  const { values } = await loadEnv({ folder } as never, target as never, host as never, effects as never);
  expect(values[name]).toBe(value);
  return mask;
}

/** All that comes out of our writers when this text is in everything that came in. */
async function written(text: string, mask: Mask): Promise<Record<string, string>> {
  const out: Record<string, string> = {};
  const add = (name: string) => (more: string) => {
    out[name] = `${out[name] ?? ''}${more}`;
  };
  const logs = (['plain', 'json', 'terminal'] as const).map((mode) =>
    createLog({
      mode,
      verbose: true,
      colour: false,
      folds: true,
      clock: systemClock,
      mask,
      write: add(`${mode} log`),
    }),
  );
  const transcript = createTranscript(mask.scrub);
  for (const line of text.split('\n')) transcript.add(`${'-'.repeat(4090)}${line}`);
  for (const log of logs) {
    log.foreign(`app | ${text}`);
    log.error(`It failed: ${text}`);
    log.group('tool', transcript.text());
    log.step('start').failed(text);
  }
  const far = `${'x'.repeat(280)} ${text} ${'y '.repeat(200)}${text}`;
  const error = {
    code: 'process.timeout',
    message: far,
    hint: `See ${text}`,
    output: `${text}\n${far}`,
  } as const;
  const report: DeployReport = {
    ...undone,
    error,
    warnings: [far],
    migration: { output: far, seconds: 1, before: text },
    health: [{ host: 'h', service: 'web', components: { [text]: text }, ok: false }],
    nextAction: `Run ${text}`,
  };
  const summary = join(folder, 'summary.md');
  writeFileSync(summary, '');
  const env = { GITHUB_STEP_SUMMARY: summary, RUNNER_TEMP: folder };
  const files = await writeReports(report, { dir: folder, env, mask });
  for (const path of [files.html, files.json, summary])
    add(path.split('.').at(-1) ?? '')(readFileSync(path, 'utf8'));

  const [log] = logs;
  const signal = new AbortController().signal;
  const slack = async (_: unknown, options?: RequestInit) => {
    add('slack')(String(options?.body));
    return new Response('no', { status: 400 });
  };
  await notifySlack(report, 'https://hooks.example.com/x', {
    fetch: slack as typeof fetch,
    signal,
    log: log as never,
    clock: systemClock,
    mask,
  });

  const effects = {
    log: log as never,
    mask,
    signal,
    clock: systemClock,
    env,
    print: (said: string) => add('printed')(mask.scrub(said)),
  };
  vi.spyOn(process.stdout, 'write').mockImplementation((said) => {
    add('annotations')(String(said));
    return true;
  });
  writeFileSync(summary, '');
  const troubled = await openJob(effects);
  await tellErrors('deploy', undefined, [new UserError(error)], troubled);
  troubled.close();
  const job = await openJob(effects);
  tellDeploy({ report, target: {}, files } as never, job);
  const results = [
    ran('ruff', [finding({ message: far, fix: text, rule: text, at: { file: 'a.py', line: 1 } })]),
    missing('mypy', far, { output: `${text}\n${far}`, fix: text } as never),
  ];
  const lint = { report: judge(results.slice(0, 1), context()), plan: {}, baseline: {} };
  const all = { ...lint, report: judge(results, context()) };
  for (const [which, checked] of Object.entries({ lint, all })) {
    const report = 'scrubData' in mask ? mask.scrubData(checked.report) : checked.report;
    await tellChecks({ ...checked, report } as never, [which as never], job);
    for (const name of ['junit.xml', 'report.json', ...(which === 'lint' ? ['report.sarif'] : [])])
      add(name)(readFileSync(join(folder, `sluice-checks-${which}`, name), 'utf8'));
  }
  job.close();
  add('summary of checks')(readFileSync(summary, 'utf8'));
  vi.restoreAllMocks();
  return out;
}

/** Random, so that no part of it is anywhere by chance; with what has a meaning somewhere. */
const secret = fc
  .record({
    core: fc.array(fc.constantFrom(...'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'), {
      minLength: 14,
      maxLength: 60,
    }),
    signs: fc.array(fc.constantFrom(...`/+&<>"'\\ %$=:;,|!*é€`), { maxLength: 6 }),
    lines: fc.boolean(),
  })
  .map(({ core, signs, lines }) => {
    const step = Math.floor(core.length / (signs.length + 1));
    const mixed = core
      .map((char, at) => (at > 0 && at % step === 0 ? (signs[at / step - 1] ?? '') : '') + char)
      .join('');
    return lines
      ? `-----BEGIN KEY-----\n${mixed}\n${[...mixed].reverse().join('')}\n-----END KEY-----`
      : mixed;
  });

test.each(Object.entries(forms))('a secret written as %s is nowhere readable', async (_, write) => {
  const sources = fc.constantFrom('env-secret', 'host-env-file', 'env');
  await fc.assert(
    fc.asyncProperty(secret, fc.constantFrom(...names), sources, async (value, name, source) => {
      const mask = await maskOf(name, value, source as 'env');
      const out = await written(`connect: "${write(value)}" refused`, mask);
      expect(Object.keys(out).length).toBeGreaterThanOrEqual(13);
      for (const [writer, text] of Object.entries(out)) {
        expect(text, writer).toContain('***');
        expect([writer, readIn(text, value)]).toEqual([writer, undefined]);
      }
    }),
    { numRuns: 2, endOnFailure: true },
  );
});

test('a secret that a program writes in two halves, at any byte, is nowhere readable', async () => {
  const value = 'pä55wörd-Qm7Xk2Vt9Zr4';
  const mask = await maskOf('MAGIC', value, 'env-secret');
  const bytes = Buffer.from(`so ${value} it is\n`);
  const script = `const b = Buffer.from(process.argv[1], 'hex');
    let at = 0; const next = () => { if (at < b.length) process.stdout.write(b.subarray(at, ++at), () => setImmediate(next)); }; next();`;
  const lines: string[] = [];
  await runProcess([process.execPath, '-e', script, bytes.toString('hex')], {
    onLine: (line) => void lines.push(mask.scrub(line)),
  });
  expect(lines).toEqual(['so *** it is']);
});

test.each([
  ['its end is cut off', (text: string) => text.slice(0, -6)],
  ['its end is cut off, and marked', (text: string) => `${text.slice(0, -6)}…`],
  ['its beginning is cut off', (text: string) => text.slice(6)],
])('a secret of which %s is not readable', (_, cut) => {
  const mask = createMask();
  const value = 'Qm7Xk2Vt9Zr4Lp3Nb8Hd';
  mask.add(value);
  expect(readIn(mask.scrub(cut(value)), value)).toBeUndefined();
});

test('no command that names a secret is written into a file, where it would be nothing but the secret', () => {
  const run = join(import.meta.dirname, '../../../src/kernel/run.ts');
  const script = `import { run } from ${JSON.stringify(run)};
    await run({ json: false, verbose: false }, async ({ mask }) => { mask.add('Qm7Xk2Vt9Zr4'); return 0; });`;
  const stderrTo = (stderr: 'pipe' | number, actions: string) =>
    spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', stderr],
      env: { ...process.env, GITHUB_ACTIONS: actions },
      encoding: 'utf8',
    }).stderr;
  const path = join(folder, 'stderr.log');
  const file = openSync(path, 'w');
  stderrTo(file, 'true');
  expect(readFileSync(path, 'utf8')).toBe('');
  expect(stderrTo('pipe', '')).toBe('');
  expect(stderrTo('pipe', 'true')).toBe('::add-mask::Qm7Xk2Vt9Zr4\n');
});
