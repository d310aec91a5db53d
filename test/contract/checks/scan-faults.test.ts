import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Tool } from '../../../src/checks/tool.ts';
import { actionlint } from '../../../src/checks/tools/scan/actionlint.ts';
import { hadolint } from '../../../src/checks/tools/scan/hadolint.ts';
import { squawk } from '../../../src/checks/tools/scan/squawk.ts';
import { trufflehog } from '../../../src/checks/tools/scan/trufflehog.ts';
import { trivyFs } from '../../../src/checks/tools/trivy/fs.ts';
import { checkBench, checkedRepo, defaultSettings } from '../../support/checks/context.ts';
import { trivyDatabase } from '../../support/checks/trivy-database.ts';

const database = await trivyDatabase();
const folder = mkdtempSync(join(tmpdir(), 'checks-faults-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const tools: Readonly<Record<string, Tool>> = { trivy: trivyFs, trufflehog, hadolint, actionlint, squawk };
const repo = checkedRepo({
  Dockerfile: 'FROM debian:13\n',
  'requirements.txt': 'pyyaml==5.3.1\npsycopg==3.2\n',
  '.github/workflows/a.yml': 'on: push\n',
  'migrations/1.sql': 'SELECT 1;\n',
});
afterAll(() => repo[Symbol.dispose]());

/** A program of that name that answers when it is asked for its version, and else does what the script says. */
async function run(name: string, script: string | undefined, signal = new AbortController().signal) {
  const bin = mkdtempSync(join(folder, 'bin-'));
  symlinkSync('/usr/bin/git', join(bin, 'git'));
  if (script !== undefined) {
    const asked = 'case "$1" in --version|-version|--help) echo 9.9.9; exit 0;; esac';
    // Trivy's report goes where it says.
    const out = 'for each; do case "$each" in --output=*) out="${each#--output=}";; esac; done';
    writeFileSync(join(bin, name), `#!/bin/bash\n${asked}\n${out}\n${script}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  mkdirSync(join(folder, 'cache'), { recursive: true });
  using bench = checkBench(await repo.open(), {
    settings: { ...defaultSettings, tools: 'path' },
    // The folders of the system come last: none of these tools is there.
    env: { PATH: `${bin}:/usr/bin:/bin`, TRIVY_CACHE_DIR: database },
    cache: join(folder, 'cache'),
    signal,
  });
  return await bench.runOnly(tools[name] as Tool);
}

const hostile = `printf '::error::gotcha\\n##[error]gotcha\\n::add-mask::x\\n' >&2; exit 99`;
/** Where a tool is expected to write, for trivy and for the others. */
const says = (text: string, code: number) => `printf '%s' '${text}' | tee "\${out:-/dev/null}"; exit ${code}`;

describe.each(Object.keys(tools))('%s did not run', (name) => {
  test.each<[string, string, RegExp]>([
    [
      'it is ended by a signal',
      'kill -KILL $$',
      /was killed, most likely because the machine ran out of memory$/,
    ],
    ['it crashes', 'kill -SEGV $$', /./],
    ['it ends with an exit code that it does not document', 'exit 99', / exited with code 99$/],
    ['it prints nothing', 'exit 0', /did not (?:print|write|report)/],
    ['it prints broken JSON', says('[{"code": "DL', 1), /did not (?:print|write|report)|exited with code 1$/],
    ['it prints other JSON', says('{"error": "no"}', 0), /did not (?:print|write|report)/],
    [
      'it speaks of findings and has none',
      says('[]', 1),
      /but reported no finding|did not write|exited with code 1$/,
    ],
    [
      'it prints 100 MB',
      'head -c 100000000 /dev/zero | tr "\\0" x; exit 1',
      /more output than Sluice can read|did not|exited with code 1$/,
    ],
    ['it prints commands for the runner', hostile, / exited with code 99$/],
  ])('when %s', async (_, script, why) => {
    const output = await run(name, script);
    expect(output).toMatchObject({ ran: false, why: expect.stringMatching(why) });
    expect(JSON.stringify(output)).not.toMatch(/(?:"|\\n)::|##\[/);
    expect(JSON.stringify(output).length).toBeLessThan(5_000);
  });

  test('when it is not there', async () => {
    await expect(run(name, undefined)).rejects.toMatchObject({
      code: 'checks.tool-missing',
      message: `${name} is not on PATH, and \`checks.tools: path\` forbids downloads`,
    });
  });

  test('when it hangs, and the run ends', async () => {
    const running = run(name, 'sleep 60', AbortSignal.timeout(300));
    await expect(running).rejects.toMatchObject({ name: 'TimeoutError' });
  });
});

const done = `echo '{"level":"info-0","msg":"finished scanning"}' >&2`;

test('a secret that TruffleHog prints among broken lines is not shown', async () => {
  const line = '{"DetectorName":"AWS","Verified":true,"Raw":"sesame-open"}';
  const output = await run('trufflehog', `${done}; echo '${line}'; echo sesame-open >&2; exit 183`);
  expect(output).toEqual({ ran: false, why: 'trufflehog printed unexpected output' });
});

test('TruffleHog’s word that it met an error is no pass', async () => {
  const log = (msg: string) => `echo '{"level":"info-0","msg":"${msg}","error":"x"}' >&2`;
  const output = await run(
    'trufflehog',
    `${log('error scanning repository')}; ${log('finished scanning')}; exit 0`,
  );
  expect(output).toEqual({ ran: false, why: 'trufflehog logged an error: error scanning repository' });
});

test('TruffleHog’s supervisor ends with 1 now and then: the log says whether the scan was whole', async () => {
  const log = (verified: number, unverified: number) =>
    `echo '{"msg":"finished scanning","verified_secrets":${verified},"unverified_secrets":${unverified}}' >&2`;
  const place = '"SourceMetadata":{"Data":{"Git":{"file":"a.py","line":1}}}';
  const found = `echo '{${place},"DetectorName":"AWS","Verified":false,"Raw":"sesame-open"}'`;
  expect(await run('trufflehog', `${log(0, 0)}; exit 1`)).toMatchObject({ ran: true, findings: [] });
  expect(await run('trufflehog', `${found}; ${log(0, 1)}; exit 1`)).toMatchObject({
    ran: true,
    findings: [{ rule: 'AWS', at: { file: 'a.py' } }],
  });
  for (const script of [`${found}; ${log(1, 1)}; exit 1`, `${found}; ${done}; exit 1`, `${found}; exit 1`]) {
    const why = 'trufflehog exited with code 1';
    expect(await run('trufflehog', script)).toEqual({ ran: false, why });
  }
});

test('trufflehog has a folder of its own for temporary files, so that no other run of it clears them away', async () => {
  const own = `[ -d "$TMPDIR" ] && [ "$TMPDIR" != '${tmpdir()}' ] || exit 99`;
  expect(await run('trufflehog', `${own}; ${done}`)).toMatchObject({ ran: true, findings: [] });
});
