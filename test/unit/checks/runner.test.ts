import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { CheckOutput, RawResult } from '../../../src/checks/model.ts';
import { repoOf } from '../../../src/checks/repo.ts';
import { type RunRequest, runChecks } from '../../../src/checks/runner/run-checks.ts';
import type { CheckContext, PlannedCheck, Preparation } from '../../../src/checks/tool.ts';
import { defaultCheckSettings } from '../../../src/config/sluice-yml/normalise.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { UserError } from '../../../src/kernel/errors.ts';
import { createLog } from '../../../src/kernel/log.ts';
import { createMask } from '../../../src/kernel/masking/mask.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-runner-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const clean = { ran: true, findings: [] } as const;

function check(
  id: string,
  run: (context: CheckContext) => Promise<CheckOutput>,
  more: Partial<PlannedCheck> = {},
): PlannedCheck {
  return {
    ...{
      id,
      tool: id.split(' ')[0] ?? id,
      category: 'lint',
      folder: '',
      why: 'a test',
      command: id,
      needs: [],
    },
    ...{ cost: { cores: 1, memory: 1, seconds: 1 }, timeoutMs: 30_000, run },
    ...more,
  };
}

/** A check that runs a script, and takes exit code 0 for a pass. */
function script(id: string, text: string, more: Partial<PlannedCheck> = {}): PlannedCheck {
  const run = async (context: CheckContext): Promise<CheckOutput> => {
    const { code, stdout, truncated } = await context.spawn(['sh', '-c', text]);
    if (truncated) return { ran: false, why: 'it printed too much' };
    return code === 0 ? { ...clean, summary: stdout.trim() } : { ran: false, why: `exit code ${code}` };
  };
  return check(id, run, more);
}

function preparation<T>(
  id: string,
  make: Preparation<T>['make'],
  needs: Preparation<unknown>[] = [],
): Preparation<T> {
  const cost = { cores: 1, memory: 1, seconds: 1 };
  return { id, what: `make ${id}`, needs, cost, timeoutMs: 30_000, make };
}

interface Outcome {
  readonly results: readonly RawResult[];
  readonly log: string;
}

async function run(
  checks: readonly PlannedCheck[],
  settings: Partial<RunRequest['settings']> = {},
  signal: AbortSignal = new AbortController().signal,
  env: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  let log = '';
  const request: RunRequest = {
    repo: repoOf(folder, [], false),
    settings: { ...defaultCheckSettings(), ...settings },
    checks,
    changed: undefined,
    limits: { cores: 4, memory: 1000 },
    cache: join(folder, 'cache'),
  };
  const results = await runChecks(request, {
    log: createLog({
      ...{
        mode: 'plain',
        verbose: false,
        colour: false,
        folds: true,
        clock: systemClock,
        mask: createMask(() => {}),
      },
      write: (text) => {
        log += text;
      },
    }),
    clock: systemClock,
    mask: createMask(),
    env: { ...process.env, ...env },
    signal,
  });
  return { results, log };
}

function outputs(results: readonly RawResult[]): Record<string, CheckOutput | undefined> {
  return Object.fromEntries(results.map(({ check, output }) => [check.id, output]));
}

describe('checks', () => {
  test('run side by side, and their results come in the order of the plan', async () => {
    // Each waits for the other: one after the other they would never end.
    const meet = (mine: string, other: string) =>
      `touch ${folder}/${mine}; until [ -e ${folder}/${other} ]; do sleep 0.01; done`;
    const { results } = await run([
      script('a', meet('a', 'b')),
      script('b', meet('b', 'a')),
      script('c', 'echo done'),
    ]);
    expect(results.map((rawResult) => [rawResult.check.id, rawResult.output?.ran])).toEqual([
      ['a', true],
      ['b', true],
      ['c', true],
    ]);
  });

  test('can not write the outputs of the action they run in', async () => {
    const { results } = await run([script('a', 'echo "[$GITHUB_OUTPUT]"')], {}, undefined, {
      GITHUB_OUTPUT: '/out',
    });
    expect(outputs(results)).toEqual({ a: { ...clean, summary: '[]' } });
  });

  test('get an empty folder of their own, which is gone afterwards', async () => {
    let scratch = '';
    await run([
      check('a', async (context) => {
        scratch = context.scratch;
        expect(readdirSync(scratch)).toEqual([]);
        writeFileSync(join(scratch, 'report.json'), '{}');
        return clean;
      }),
    ]);
    expect(() => readdirSync(scratch)).toThrow('ENOENT');
  });

  test('that sluice.yml skips are not run, and keep the reason', async () => {
    const never = () => Promise.reject(new Error('it ran'));
    const { results } = await run(
      [check('mypy a', never), check('mypy b', never), check('ruff', async () => clean)],
      {
        skip: { mypy: 'next quarter', 'mypy b': 'never' },
      },
    );
    expect(results.map(({ skipReason }) => skipReason)).toEqual(['next quarter', 'never', undefined]);
    expect(results[0]?.output).toBeUndefined();
  });
});

describe('preparations', () => {
  test('are made once, before the checks that use what they bring', async () => {
    let made = 0;
    const base = preparation('base', async () => ++made);
    const packages = preparation('packages', async (context) => `on ${context.prepared(base)}`, [base]);
    const use = async (context: CheckContext): Promise<CheckOutput> => ({
      ...clean,
      summary: context.prepared(packages),
    });
    const { results } = await run([
      check('a', use, { needs: [packages] }),
      check('b', use, { needs: [packages, base] }),
    ]);
    expect(results.map(({ output }) => output)).toEqual([
      { ran: true, findings: [], summary: 'on 1' },
      { ran: true, findings: [], summary: 'on 1' },
    ]);
    expect(made).toBe(1);
  });

  test('that fail stop what needs them and nothing else, in words that say why', async () => {
    const broken = preparation('packages', () =>
      Promise.reject(
        new UserError({
          code: 'process.missing',
          message: 'the lock is broken',
          hint: 'Mend it.',
          output: 'line 3',
        }),
      ),
    );
    const more = preparation('more', async () => 1, [broken]);
    const { results } = await run([
      check('a', async () => clean, { needs: [broken] }),
      check('b', async () => clean, { needs: [more] }),
      check('c', async () => clean),
    ]);
    const { a, b, c } = outputs(results);
    expect(a).toEqual({
      ran: false,
      why: 'make packages: the lock is broken',
      fix: 'Mend it.',
      output: 'line 3',
    });
    expect(b).toMatchObject({ ran: false, why: 'make more: make packages: the lock is broken' });
    expect(c).toEqual(clean);
  });
});

describe('a check that goes wrong did not run', () => {
  test('whatever it does, and the others go on', async () => {
    const { results } = await run([
      check('missing', (context) => context.spawn(['no-such-program']).then(() => clean)),
      check('no program', (context) => context.spawn(['/etc/passwd']).then(() => clean)),
      script('killed', 'kill -SEGV $$'),
      check('bug', () => Promise.reject(new TypeError('x is not a function'))),
      check('bug at once', () => {
        throw new TypeError('y is not a function');
      }),
      script('fine', 'echo fine'),
    ]);
    const { missing, killed, bug, fine, ...rest } = outputs(results);
    expect(missing).toMatchObject({ ran: false, why: 'no-such-program is not on PATH' });
    expect(rest['no program']).toMatchObject({
      ran: false,
      why: expect.stringContaining('Cannot start /etc/passwd'),
    });
    expect(killed).toEqual({ ran: false, why: 'exit code 139' });
    expect(bug).toMatchObject({
      ran: false,
      why: expect.stringMatching(/bug in Sluice.*x is not a function/),
    });
    expect(rest['bug at once']).toMatchObject({
      ran: false,
      why: expect.stringContaining('y is not a function'),
    });
    expect(fine).toEqual({ ran: true, findings: [], summary: 'fine' });
  });

  test('when it hangs, with everything it has started', async () => {
    const pids = join(folder, 'pids');
    const hanging = `(trap '' TERM; sleep 60 & echo $! >>${pids}; wait) & echo $! >>${pids}; echo waiting; sleep 60`;
    const { results, log } = await run([script('pytest', hanging), script('ruff', 'echo fine')], {
      timeouts: { pytest: 400 },
    });
    expect(outputs(results).pytest).toMatchObject({
      ran: false,
      why: 'it timed out after 0.4 s',
      output: expect.stringContaining('waiting'),
    });
    expect(outputs(results).ruff).toMatchObject({ ran: true });
    expect(log).toContain('✗ pytest');
    for (const pid of readFileSync(pids, 'utf8').trim().split('\n')) {
      expect(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8').trim() || dead()).toThrow();
    }
  });

  test('when it prints without end; memory stays small and the group shows both ends', async () => {
    const flood = 'echo first; yes ::error::pwned | head -c 60000000; echo last';
    const before = process.memoryUsage().rss;
    const { results, log } = await run([script('loud', flood)]);
    expect(outputs(results).loud).toEqual({ ran: false, why: 'it printed too much' });
    expect(process.memoryUsage().rss - before).toBeLessThan(400_000_000);
    expect(log).toMatch(/│ first\n.*lines omitted ….*│ last\n/s);
    expect(log.length).toBeLessThan(1_000_000);
    expect(log).not.toMatch(/^\s*::error/m);
  });
});

/** A process that is a zombie has no command line. */
function dead(): never {
  throw new Error('dead');
}

test('a cancellation ends everything at once, with its own reason', async () => {
  const controller = new AbortController();
  const pids = join(folder, 'cancelled');
  const checks = ['a', 'b'].map((id) => script(id, `echo $$ >>${pids}; sleep 60`));
  const running = run(checks, {}, controller.signal);
  const ready = () => {
    try {
      return readFileSync(pids, 'utf8').trim().split('\n').length === 2;
    } catch {
      return false;
    }
  };
  while (!ready()) await systemClock.sleep(10);
  controller.abort(new UserError({ code: 'cancelled', message: 'enough' }));
  await expect(running).rejects.toMatchObject({ code: 'cancelled' });
  for (const pid of readFileSync(pids, 'utf8').trim().split('\n')) {
    expect(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8').trim() || dead()).toThrow();
  }
});
