import { spawn } from 'node:child_process';
import { describe, expect, test } from 'vitest';

const kernel = new URL('../../../src/kernel/', import.meta.url);

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Sample {
  readonly json?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  /** Called with the process and each chunk of its output. */
  readonly onOutput?: (child: ReturnType<typeof spawn>, text: string) => void;
}

/** Runs `main` within `run()` in a process of its own: exit codes, signals and streams are what is tested. */
function runSample(main: string, { json = false, env = {}, onOutput }: Sample = {}): Promise<Ended> {
  const script = `
    import { UserError, UserErrors } from '${kernel.href}errors.ts';
    import { run } from '${kernel.href}run.ts';
    process.exit(await run({ json: ${json}, verbose: false }, async (effects) => { ${main} }));`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk;
      onOutput?.(child, chunk);
    });
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject).on('close', (code) => resolve({ code, ...text }));
  });
}

const userError = `new UserError({ code: 'health.timeout', message: 'backend was not well in time', hint: 'Look\\nhere.',
  at: { file: 'sluice.yml', line: 3, column: 5 }, output: 'last line' })`;

describe('exit codes', () => {
  test.each<[string, number, string]>([
    ['what main returns', 0, 'return 0'],
    ['what main returns: failed', 1, 'return 1'],
    ['a user’s error', 1, `throw ${userError}`],
    ['a wrong argument', 2, "throw new UserError({ code: 'usage.argument', message: 'no' })"],
    [
      'a wrong configuration',
      2,
      "throw new UserErrors([new UserError({ code: 'config.yaml', message: 'no' })])",
    ],
    ['several errors that are not of the input', 1, `throw new UserErrors([${userError}])`],
    ['a variable that is missing', 2, "throw new UserError({ code: 'env.missing', message: 'no' })"],
    ['a check that is not there', 2, "throw new UserError({ code: 'checks.unknown', message: 'no' })"],
    ['a bug', 70, "throw new TypeError('x is not a function')"],
    ['a bug that throws a text', 70, "throw 'oops'"],
    ['a bug that throws nothing', 70, 'throw undefined'],
    ['cancelled by itself', 130, "throw new UserError({ code: 'cancelled', message: 'no' })"],
  ])('%s → %d', async (_, code, main) => {
    expect((await runSample(main)).code).toBe(code);
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('%s lets main clean up, then → 130', async (name) => {
    const main = `
      console.log('ready');
      try { await effects.clock.sleep(60_000, effects.signal); } finally { console.log('cleaned'); }`;
    const ended = await runSample(main, {
      onOutput: (child, text) => text.includes('ready') && child.kill(name),
    });
    expect(ended).toMatchObject({ code: 130, stdout: 'ready\ncleaned\n' });
    expect(ended.stderr).toMatch(
      new RegExp(`^\\d\\d:\\d\\d:\\d\\d ✗ Cancelled \\(${name}\\) \\[cancelled\\]\n$`),
    );
  });
});

describe('what is shown', () => {
  test('of a user’s error: place, message, code, proof and what to do, without a stack', async () => {
    const { stdout, stderr } = await runSample(`throw ${userError}`);
    expect(stdout).toBe('');
    expect(stderr.replace(/^\d\d:\d\d:\d\d /gm, '')).toBe(
      [
        '✗ sluice.yml:3:5 backend was not well in time [health.timeout]',
        '    │ last line',
        '  → Look',
        '    here.',
        '',
      ].join('\n'),
    );
  });

  test('of several: all', async () => {
    const { stderr } = await runSample(
      "throw new UserErrors(['one', 'two'].map((message) => new UserError({ code: 'config.value', message })))",
    );
    expect(stderr).toMatch(/one \[config\.value\][\s\S]*two \[config\.value\]/);
  });

  test('of a bug: the stack', async () => {
    const { stderr } = await runSample("throw new TypeError('x is not a function')");
    expect(stderr).toMatch(
      /This is a bug in Sluice, please report it: TypeError: x is not a function\n.* {4}at /,
    );
  });

  test('with --json: one document on stdout, records on stderr', async () => {
    const { code, stdout, stderr } = await runSample(`effects.log.info('begun'); throw ${userError}`, {
      json: true,
    });
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      ok: false,
      errors: [
        {
          code: 'health.timeout',
          message: 'backend was not well in time',
          hint: 'Look\nhere.',
          at: { file: 'sluice.yml', line: 3, column: 5 },
          output: 'last line',
        },
      ],
    });
    const records = stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { message: string });
    expect(records[0]?.message).toBe('begun');
    expect(records.length).toBeGreaterThan(1);
  });

  test('with --json of a bug', async () => {
    const { stdout } = await runSample("throw new TypeError('oops')", { json: true });
    expect(JSON.parse(stdout)).toEqual({ ok: false, errors: [{ code: 'bug', message: 'oops' }] });
  });
});

describe('secrets', () => {
  const main = `
    effects.mask.add('s3cret-value');
    effects.print('printed s3cret-value');
    effects.log.info('logged s3cret-value');
    throw new Error('thrown s3cret-value');`;

  test.each([false, true])('are masked on both streams (json: %s)', async (json) => {
    const { stdout, stderr } = await runSample(main, { json });
    expect(stdout + stderr).not.toContain('s3cret-value');
    expect(stdout).toContain('printed ***');
    expect(stderr).toContain('logged ***');
  });

  test('are told to GitHub’s runner, on stderr, so that a redirected stdout stays clean', async () => {
    const { stdout, stderr } = await runSample(
      "effects.mask.add('100%-s3cret\\nline-two'); effects.print('x')",
      {
        env: { GITHUB_ACTIONS: 'true' },
      },
    );
    expect(stdout).toBe('x\n');
    expect(stderr).toBe('::add-mask::100%25-s3cret\n::add-mask::line-two\n');
  });
});

describe('results on stdout', () => {
  const hostile =
    "effects.print(JSON.stringify({ text: '##[error]x' })); effects.print(' ::error::x'); return 0";

  test('are no commands to GitHub’s runner', async () => {
    const { stdout } = await runSample(hostile, { env: { GITHUB_ACTIONS: 'true' } });
    expect(stdout).toBe('{"text":"# #[error]x"}\n : :error::x\n');
  });

  test('are the same JSON with --json', async () => {
    const { stdout } = await runSample(hostile.replace("effects.print(' ::error::x');", ''), { json: true });
    expect(stdout).toBe('{"text":"##\\u005berror]x"}\n');
  });
});

test('a reader that goes away does not end the run', async () => {
  const main = `
    for (let i = 0; i < 200; i += 1) { effects.print('x'.repeat(1000)); await effects.clock.sleep(1); }
    effects.log.info('came to its end');
    return 0;`;
  const ended = await runSample(main, { onOutput: (child) => child.stdout?.destroy() });
  expect(ended.code).toBe(0);
  expect(ended.stderr).toContain('came to its end');
});
