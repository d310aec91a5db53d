import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Host } from '../../../src/host/model.ts';
import { type Sshd, startSshd } from '../../support/host/sshd.ts';

// Scripts and programs on the host: what goes in arrives unharmed, what comes out is whole.

let sshd: Sshd;
let host: Host;
let scratch: string;

beforeAll(async () => {
  sshd = await startSshd();
  host = await sshd.connect();
  scratch = await mkdtemp(join(tmpdir(), 'sluice-run-'));
});
afterAll(async () => {
  await host?.close();
  await sshd[Symbol.asyncDispose]();
  await rm(scratch, { recursive: true, force: true });
});

const nasty = [
  '',
  ' ',
  "it's",
  '"quoted"',
  '$(id) `id` $HOME ${x}',
  'back\\slash \\\\ \\n',
  'two\nlines\n',
  '\n',
  'tab\tand\rreturn',
  '-n',
  '--',
  '*',
  '~',
  '!important',
  '# no comment',
  'a;b|c&d>e<f(g)h{i}',
  'ünïcode ☃ 😀 \u202e',
  "'\n'",
  'FOO=bar',
  'x'.repeat(100_000),
];

describe('arguments', () => {
  test('of a program arrive as they are', async () => {
    const { stdout, code } = await host.exec(['printf', '%s\\0', ...nasty]);
    expect(code).toBe(0);
    expect(stdout.split('\0').slice(0, -1)).toEqual(nasty);
  });

  test('of a script arrive as they are', async () => {
    const { stdout } = await host.script('for arg; do printf "%s\\0" "$arg"; done', { args: nasty });
    expect(stdout.split('\0').slice(0, -1)).toEqual(nasty);
  });

  test('cannot hold NUL', async () => {
    await expect(host.exec(['echo', 'a\0b'])).rejects.toThrow(RangeError);
    await expect(host.script('echo a\0b')).rejects.toThrow(RangeError);
  });

  test('a program’s name is one too', async () => {
    const missing = await host.exec(['no such; program', 'x']);
    expect(missing.code).toBe(127);
    expect(missing.stderr).toContain('no such; program');
  });
});

describe('a script', () => {
  test('has its exit code, both outputs, and no input', async () => {
    const result = await host.script('echo out; echo err >&2; cat; exit 3');
    expect(result).toEqual({ code: 3, stdout: 'out\n', stderr: 'err\n' });
  });

  test('is plain POSIX sh: set -e, functions, here-documents, traps', async () => {
    const result = await host.script(
      `
set -eu
trap 'echo "bye $1"' EXIT
greet() { cat <<EOF
hello "$1" it's
EOF
}
greet "$1"
false
echo never`,
      { args: ['w"o\nrld'] },
    );
    expect(result.code).toBe(1);
    expect(result.stdout).toBe('hello "w"o\nrld" it\'s\nbye w"o\nrld\n');
  });

  test('may be long', async () => {
    const lines = Array.from({ length: 40_000 }, (_, at) => `x${at}='${'y'.repeat(20)}'`);
    const result = await host.script(`${lines.join('\n')}\necho "$x39999"`);
    expect(result.stdout).toBe(`${'y'.repeat(20)}\n`);
  });

  test('that cannot be parsed says so', async () => {
    const result = await host.script('if true; then');
    expect(result.code).not.toBe(0);
    expect(result.stderr).not.toBe('');
  });

  test('killed by a signal has its code', async () => {
    expect((await host.script('kill -KILL $$')).code).toBe(137);
    expect((await host.script('kill -TERM $$')).code).toBe(143);
  });
});

describe('output', () => {
  test('comes line by line, also unfinished, also with characters cut in two', async () => {
    const lines: string[] = [];
    const script = `printf 'one\\ntw'; sleep 0.2; printf 'o\\n\\303'; sleep 0.2; printf '\\274\\r\\nlast'; echo no >&2`;
    await host.script(script, { onLine: (line, stream) => lines.push(`${stream} ${line}`) });
    expect(lines.filter((line) => line.startsWith('stdout'))).toEqual([
      'stdout one',
      'stdout two',
      'stdout ü',
      'stdout last',
    ]);
    expect(lines).toContain('stderr no');
  });

  test('keeps the last mebibyte, and says so', async () => {
    const { stdout, truncated } = await host.script('seq 1 400000');
    expect(truncated).toBe(true);
    expect(stdout.length).toBeLessThanOrEqual(1024 * 1024);
    expect(stdout.endsWith('399999\n400000\n')).toBe(true);
    const all = await host.script('seq 1 400000', { maxOutput: 10_000_000 });
    expect(all.truncated).toBeUndefined();
    expect(all.stdout.startsWith('1\n2\n')).toBe(true);
    expect(all.stdout.length).toBe(2_688_895);
  });
});

describe('input', () => {
  const size = 50 * 1024 * 1024;
  const sha = (data: Buffer) => createHash('sha256').update(data).digest('hex');

  test('50 MB of any bytes, as a buffer', async () => {
    const data = randomBytes(size);
    const { stdout } = await host.exec(['sha256sum'], { stdin: data });
    expect(stdout.slice(0, 64)).toBe(sha(data));
  });

  test('50 MB of any bytes, as a stream, read no faster than it is taken', async () => {
    const hash = createHash('sha256');
    let produced = 0;
    const source = new Readable({
      read() {
        if (produced >= size) return void this.push(null);
        const chunk = randomBytes(1024 * 1024);
        produced += chunk.length;
        hash.update(chunk);
        this.push(chunk);
      },
    });
    // The program does not read before it is told to: by then the source has come to rest.
    const go = join(scratch, 'go');
    const program = ['sh', '-c', 'until [ -e "$1" ]; do sleep 0.05; done; sha256sum', 'sh', go] as const;
    const running = host.exec(program, { stdin: source });
    for (let before = -1; before !== produced || produced === 0; ) {
      before = produced;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    expect(produced).toBeLessThan(size / 2);
    await writeFile(go, '');
    const { stdout } = await running;
    expect(stdout.slice(0, 64)).toBe(hash.digest('hex'));
  });

  test('every byte value, and text that looks like a command', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, at) => at));
    const { stdout } = await host.exec(['od', '-An', '-v', '-tx1'], { stdin: Buffer.concat([bytes, bytes]) });
    expect(stdout.replace(/\s/g, '')).toBe(bytes.toString('hex').repeat(2));
    const file = join(scratch, 'data');
    await host.exec(['sh', '-c', 'cat >"$1"', 'sh', file], { stdin: 'rm -rf /\n$(id)\n' });
    expect(await readFile(file, 'utf8')).toBe('rm -rf /\n$(id)\n');
  });

  test('that the program does not read is dropped', async () => {
    const { code, stdout } = await host.exec(['sh', '-c', 'head -c 5; exit 4'], {
      stdin: randomBytes(5_000_000),
    });
    expect(code).toBe(4);
    expect(stdout.length).toBeGreaterThan(0);
    const endless = new Readable({
      read() {
        this.push(Buffer.alloc(65_536));
      },
    });
    expect((await host.exec(['true'], { stdin: endless })).code).toBe(0);
    expect(endless.destroyed).toBe(true);
  });

  test('whose source fails ends the program, and the failure is the result', async () => {
    const file = join(scratch, 'broken');
    let sent = false;
    const source = new Readable({
      read() {
        if (sent) this.destroy(new Error('the disk is on fire'));
        else this.push('half');
        sent = true;
      },
    });
    const program = ['sh', '-c', 'cat >"$1" && echo whole >>"$1"', 'sh', file] as const;
    await expect(host.exec(program, { stdin: source })).rejects.toThrow('on fire');
    expect(await readFile(file, 'utf8')).not.toContain('whole');
  });
});

test('a callback that throws ends the command, and its error is the result', async () => {
  const onLine = () => {
    throw new Error('not this line');
  };
  await expect(host.script('echo line; sleep 60', { onLine })).rejects.toThrow('not this line');
});
