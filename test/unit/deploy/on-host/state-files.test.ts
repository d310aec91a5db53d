import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { parseState, readState } from '../../../../src/deploy/on-host/state-files.ts';
import { previousRelease } from '../../../../src/deploy/rollback.ts';
import { release } from '../../../support/deploy/fixtures.ts';

const root = mkdtempSync(join(tmpdir(), 'sluice-state-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Runs the script as the host does, on a folder of an app. */
function read(app: string) {
  return parseState('one', execFileSync('sh', ['-c', readState, 'sh', app], { encoding: 'utf8' }));
}

const header = (name: string, previous?: string) =>
  JSON.stringify({
    ...{ event: 'open', at: 'x', deploy: 'd', release: name },
    ...(previous === undefined ? {} : { previous: { release: previous, colour: 'blue' } }),
  });
const end = JSON.stringify({ event: 'end', at: 'x', outcome: 'confirmed', note: '', by: 'd' });

test('a folder as it is on a host, and the way back although the clocks of two machines differ', () => {
  const app = join(root, 'shop');
  for (const name of ['v1', 'v2', 'v3', 'v4', 'v4-copy']) {
    mkdirSync(join(app, 'releases', name), { recursive: true });
    writeFileSync(join(app, 'releases', name, 'release.json'), JSON.stringify(release(name.slice(0, 2), [])));
  }
  symlinkSync('releases/v4', join(app, 'current'));
  mkdirSync(join(app, 'edge', 'web'), { recursive: true });
  writeFileSync(join(app, 'edge', 'web', 'active.map'), '');
  mkdirSync(join(app, 'journal'));
  // v2 was deployed by a laptop that was a day ahead.
  const journals = [
    ['20260101-000000-aaaaaa', header('v1'), end],
    ['20260103-000000-bbbbbb', header('v2', 'v1'), end],
    ['20260102-000000-cccccc', header('v3', 'v2'), end],
    ['20260102-010000-dddddd', header('v4', 'v3'), end],
    ['20260102-020000-eeeeee', header('v5', 'v4'), '{"event":"beg'],
  ];
  for (const [name, ...lines] of journals)
    writeFileSync(join(app, 'journal', `${name}.jsonl`), lines.join('\n'));
  const state = read(app);
  expect(state).toMatchObject({
    current: 'v4',
    maps: {},
    journals: 5,
    confirmed: ['v1', 'v3', 'v4', 'v2'],
    tookOver: new Map([
      ['v2', 'v1'],
      ['v3', 'v2'],
      ['v4', 'v3'],
    ]),
  });
  expect(state.releases.map((record) => record.release).sort()).toEqual(['v1', 'v2', 'v3', 'v4']);
  expect(state.unfinished.map((journal) => journal.header.release)).toEqual(['v5']);
  expect(previousRelease([state])).toBe('v3');
  const without = (name: string) => state.releases.filter((record) => record.release !== name);
  expect(previousRelease([{ ...state, releases: without('v3') }])).toBe('v2');
  expect(previousRelease([{ ...state, tookOver: new Map() }])).toBe('v2');
});

test('a folder with nothing in it, and none', () => {
  mkdirSync(join(root, 'empty'));
  for (const name of ['empty', 'none'])
    expect(read(join(root, name))).toMatchObject({ current: undefined, releases: [], confirmed: [] });
});
