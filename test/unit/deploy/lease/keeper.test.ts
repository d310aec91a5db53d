import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { keeperProgram } from '../../../../src/deploy/lease/keeper.ts';

const root = mkdtempSync(join(tmpdir(), 'sluice-keeper-'));
const open: ChildProcess[] = [];
afterEach(() => {
  for (const child of open.splice(0)) child.kill('SIGKILL');
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

let apps = 0;
function newApp(): string {
  apps += 1;
  return join(root, `app ${apps} $(touch ${root}/evil)`);
}

/** Starts the keeper as the host does: a shell with the program as an argument. */
function keeper(app: string, seconds = 45) {
  const child = spawn('sh', ['-c', keeperProgram, 'sluice-keeper', app, String(seconds)]);
  open.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const exit = once(child, 'exit').then(([code, signal]) => code ?? signal);
  const next = async () => String((await lines.next()).value);
  return {
    next,
    exit,
    ask: async (line: string) => {
      child.stdin.write(`${line}\n`);
      return await next();
    },
    close: async () => {
      child.stdin.end();
      return await exit;
    },
    kill: (signal: NodeJS.Signals) => child.kill(signal),
  };
}

describe('the lock', () => {
  test('a second one is told who holds it, and gets it when the first has ended', async () => {
    const app = newApp();
    const first = keeper(app);
    const holder = JSON.stringify({ deploy: 'd1', actor: `it's "me" $(id)`, runner: 'ж' });
    expect(await first.ask(`lease ${holder}`)).toBe('ok');
    const second = keeper(app);
    expect(await second.next()).toBe(`held ${holder}`);
    expect(await second.exit).toBe(0);

    await first.close();
    const third = keeper(app);
    expect(await third.ask('lease {"deploy":"d3"}')).toBe('ok');
    expect(readFileSync(join(app, 'lease.json'), 'utf8')).toBe('{"deploy":"d3"}\n');
  });

  test('tells for how long it was free, but not after a keeper that did not release it', async () => {
    const app = newApp();
    const first = keeper(app);
    expect(await first.ask('lease {}')).toBe('ok');
    expect(await first.ask('release')).toBe('ok');
    expect(await first.close()).toBe(0);
    const longAgo = new Date(Date.now() - 100_000);
    utimesSync(join(app, 'lease.json'), longAgo, longAgo);
    utimesSync(join(app, 'released'), longAgo, longAgo);
    const second = keeper(app);
    expect(await second.ask('lease {}')).toMatch(/^ok 1\d\d$/);
    await second.close();
    expect(await keeper(app).ask('lease {}')).toBe('ok');
  });

  test.each(['SIGTERM', 'SIGKILL', 'SIGHUP'] as const)(
    'a keeper ended by %s leaves no lock',
    async (signal) => {
      const app = newApp();
      const first = keeper(app);
      await first.ask('lease {}');
      first.kill(signal);
      await first.exit;
      expect(await keeper(app).ask('lease {}')).toBe('ok');
    },
  );

  test('without a sign of life it ends by itself, with one it does not', async () => {
    const silent = keeper(newApp(), 3);
    const lively = keeper(newApp(), 6);
    await Promise.all([silent.ask('lease {}'), lively.ask('lease {}')]);
    const beats = setInterval(() => void lively.ask('beat'), 1_000);
    try {
      expect(await silent.exit).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 4_000));
      expect(await lively.ask('beat')).toBe('ok');
    } finally {
      clearInterval(beats);
    }
  }, 30_000);
});

describe('the journal', () => {
  test('lines of any text arrive as they are, in order, also for a dead run’s journal', async () => {
    const app = newApp();
    const one = keeper(app);
    await one.ask('lease {}');
    const entries = [
      { event: 'open', note: 'back\\slash \\n %s %d $(id) `id` "quotes" \'single\'' },
      { event: 'begin', note: '  blanks  at both ends  ' },
      { event: 'end', note: 'ünïcode 🚰 \u2028' },
    ].map((entry) => JSON.stringify(entry));
    for (const entry of entries) expect(await one.ask(`journal 20261121-021500-k3f9a2 ${entry}`)).toBe('ok');
    expect(await one.ask('journal 20250101-000000-aaaaaa {"event":"end"}')).toBe('ok');
    const journal = join(app, 'journal', '20261121-021500-k3f9a2.jsonl');
    expect(readFileSync(journal, 'utf8')).toBe(`${entries.join('\n')}\n`);
    expect(readFileSync(join(app, 'journal', '20250101-000000-aaaaaa.jsonl'), 'utf8')).toBe(
      '{"event":"end"}\n',
    );
  });

  test('hostile lines get an error, write nothing, and the keeper goes on', async () => {
    const app = newApp();
    const one = keeper(app);
    await one.ask('lease {}');
    for (const line of ['', 'nonsense', 'leaseX', '$(touch evil)', 'beat beat', '*', '-n']) {
      expect(await one.ask(line)).toBe('error unknown line');
    }
    for (const name of ['../../evil', '.', 'a/b', '*', '$(id)', 'é', '-;']) {
      expect(await one.ask(`journal ${name} {}`)).toBe('error invalid deploy name');
    }
    expect(await one.ask('beat')).toBe('ok');
    expect(existsSync(join(root, 'evil'))).toBe(false);
    expect(existsSync(join(root, 'evil.jsonl'))).toBe(false);
  });

  test('nobody else may read what it writes', async () => {
    const app = newApp();
    const one = keeper(app);
    await one.ask('lease {}');
    await one.ask('journal d1 {}');
    const mode = (path: string) => (statSync(join(app, path)).mode & 0o777).toString(8);
    expect(['', 'journal', 'releases', 'backups'].map(mode)).toEqual(['700', '700', '700', '700']);
    expect(['lease.json', 'lease.lock', 'journal/d1.jsonl'].map(mode)).toEqual(['600', '600', '600']);
  });

  test('a folder that cannot be written is named', async () => {
    const one = keeper('/proc/sluice');
    expect(await one.next()).toBe('error cannot write to /proc/sluice');
    expect(await one.exit).toBe(1);
  });
});
