import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { actionFiles } from '../../scripts/action-files.ts';
import { monotonic } from '../bed/load/clock.ts';
import { publish, show, spread } from './output.ts';

const root = join(import.meta.dirname, '../..');
const dist = join(root, 'dist');

/** Size of what the runner downloads, and the time from the start of an action's process to its first line. */
export async function benchStart(rounds: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-start-'));
  try {
    const nothing = join(folder, 'nothing.cjs');
    writeFileSync(nothing, "console.log('');");
    const names = actionFiles(root).map(({ name }) => name);
    const scripts = [nothing, ...names.map((name) => join(dist, `${name}.js`))];
    const times = new Map<string, number[]>(scripts.map((script) => [script, []]));
    // In turns, so that a busy moment of the machine falls on all of them.
    for (let round = 0; round < rounds; round++) {
      for (const script of scripts) times.get(script)?.push(await firstLine(script, folder));
    }
    const bytes = readdirSync(dist, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
    const figures = ['node alone', ...names].map((name, index) => ({
      name,
      ...spread(times.get(scripts[index] ?? '') ?? []),
    }));
    show(
      ['what', 'value'],
      [
        ['dist/, all actions and the command line tool', `${(bytes / 1e6).toFixed(2)} MB`],
        ...figures.map(({ name, median, min, max }) => [
          `first line of ${name}`,
          `${median.toFixed(0)} ms (${min.toFixed(0)}–${max.toFixed(0)})`,
        ]),
        ['docker/build-push-action', 'not measured: no package registry has it'],
      ],
    );
    publish('start', { bytes, figures: figures.map(({ all: _all, ...figure }) => figure) });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The line that says what the action is about to do comes before the code that does it is loaded. */
function firstLine(script: string, folder: string): Promise<number> {
  const files = Object.fromEntries(
    ['GITHUB_OUTPUT', 'GITHUB_STATE', 'GITHUB_STEP_SUMMARY'].map((name) => [name, join(folder, name)]),
  );
  for (const file of Object.values(files)) writeFileSync(file, '');
  const began = monotonic();
  const child = spawn(process.execPath, [script], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, CI: 'true', GITHUB_ACTIONS: 'true', ...files },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return new Promise((resolve, reject) => {
    let first: number | undefined;
    const onData = () => {
      first ??= monotonic() - began;
    };
    child.stdout.on('data', onData);
    child.stderr.on('data', onData);
    child.on('error', reject);
    child.on('close', () =>
      first === undefined ? reject(new Error(`${script} said nothing`)) : resolve(first),
    );
  });
}
