import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type JournalEntry, type JournalHeader, parseJournal } from '../../../../src/deploy/lease/journal.ts';
import { isConfirmedOn } from '../../../../src/deploy/lease/reconcile.ts';
import { servingColour } from '../../../../src/deploy/on-host/state.ts';
import { parseState } from '../../../../src/deploy/on-host/state-files.ts';
import { edgeStatus, hostState, release, servicePlan, serving } from '../../../support/deploy/fixtures.ts';

const header: JournalHeader = {
  event: 'open',
  at: '2026-01-01T00:00:00.000Z',
  deploy: 'd1',
  command: 'deploy',
  app: 'shop',
  target: 'production',
  release: 'v2',
  colour: 'green',
  previous: { release: 'v1', colour: 'blue' },
  newEdges: [],
  edges: ['web'],
  replaced: [],
  created: [],
  stopped: [],
  newRelease: true,
  actor: 'me',
  runUrl: 'https://ci.example.com/1',
  commit: 'abc',
};
const at = header.at;
const base64 = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64');
const lines = (...entries: unknown[]) => entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');

describe('a journal', () => {
  const begin: JournalEntry = { event: 'begin', at, step: 'start' };
  const end: JournalEntry = { event: 'end', at, outcome: 'undone', note: '', by: 'd2' };

  test('is read whole, and ends with its end', () => {
    expect(parseJournal(lines(header, begin))).toMatchObject({
      header: { deploy: 'd1' },
      entries: [header, begin],
      end: undefined,
    });
    expect(parseJournal(lines(header, begin, end))?.end).toEqual(end);
  });

  test('a last line that a crash cut short is left out, wherever it was cut', () => {
    const text = lines(header, begin, end);
    const whole = lines(header, begin).length;
    for (let length = whole; length < text.length - 2; length += 1) {
      const record = parseJournal(text.slice(0, length));
      expect(record?.entries).toHaveLength(2);
      expect(record?.end).toBeUndefined();
    }
  });

  test('without a header it is none; foreign lines do not matter', () => {
    expect(parseJournal('')).toBeUndefined();
    expect(parseJournal(lines(begin, end))).toBeUndefined();
    expect(parseJournal(`${JSON.stringify(header).slice(0, -2)}`)).toBeUndefined();
    const foreign = `null\n[]\n42\n"event"\n{"event":"end"}\n\0\0\0\n${lines(header)}`;
    expect(parseJournal(foreign)).toMatchObject({ entries: [header], end: undefined });
  });

  test('a line after one that was cut short is read, and what an earlier version did not write is none', () => {
    const text = `${lines(header)}{"event":"begin","at":"2026-01-01T00:0${lines(end)}`;
    expect(parseJournal(text)?.end).toEqual(end);
    const { edges: _edges, stopped: _stopped, ...older } = header;
    expect(parseJournal(lines(older))?.header).toEqual({ ...header, edges: [] });
  });

  test('any bytes are read without a crash', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.array(fc.jsonValue()), (text, values) => {
        const record = parseJournal(`${text}\n${lines(...values)}`);
        expect(record === undefined || record.header.event === 'open').toBe(true);
      }),
    );
  });
});

describe('what a host says', () => {
  const v1 = release('v1', [servicePlan('web', 'blue-green')], {}, { createdAt: '2026-01-02T00:00:00Z' });
  const v2 = release('v2', [], {}, { createdAt: '2026-01-01T00:00:00Z' });

  test('is read line by line, releases by age', () => {
    const text = [
      'id 1001 1002',
      'current v1',
      'target production',
      `release ${base64(v1)}`,
      `release ${base64(v2)}`,
      'map web green',
      'journals 3',
      `journal ${base64(lines(header))}`,
      'confirmed v2 ',
      'confirmed v1 v2',
      'confirmed v1 v1',
      '',
    ].join('\n');
    expect(parseState('one', text)).toEqual({
      uid: 1001,
      gid: 1002,
      current: 'v1',
      target: 'production',
      releases: [v2, v1],
      maps: { web: 'green' },
      confirmed: ['v2', 'v1', 'v1'],
      tookOver: new Map([['v1', 'v2']]),
      journals: 3,
      listeners: [],
      unfinished: [{ header, entries: [header], end: undefined }],
    });
  });

  test('an empty host has nothing', () => {
    expect(parseState('one', 'id 0 0\n')).toMatchObject({ current: undefined, releases: [], unfinished: [] });
  });

  test('text within a file never counts as a line of ours', () => {
    const hostile = release('v1', [], {}, { commit: 'x\ncurrent evil\ntarget evil\nmap web blue' });
    const parsed = parseState('one', `id 1 1\nrelease ${base64(hostile)}\n`);
    expect(parsed).toMatchObject({ current: undefined, target: undefined, maps: {}, releases: [hostile] });
  });

  test('a colour that is none is left out', () => {
    expect(parseState('one', 'map web red\nmap api\nmap x green').maps).toEqual({ x: 'green' });
  });

  test.each(['', '{', 'null', '[]', '{"version":2}', '\0'])(
    'a broken release (%j) is named, never skipped',
    (text) => {
      expect(() => parseState('one', `release ${base64(text)}`)).toThrow(
        expect.objectContaining({ code: 'state.unreadable', message: expect.stringContaining('one') }),
      );
    },
  );

  test('a broken release is named by its folder; a copy of a folder is no release', () => {
    expect(() => parseState('one', `release ${base64('{')} v9 copy`)).toThrow(
      'releases/v9 copy/release.json',
    );
    const text = `release ${base64(v1)} v1\nrelease ${base64(v1)} v1-backup\n`;
    expect(parseState('one', text).releases).toEqual([v1]);
  });

  test('a name with a space is read whole', () => {
    expect(parseState('one', 'current v 1\ntarget prod eu\n')).toMatchObject({
      current: 'v 1',
      target: 'prod eu',
    });
  });

  test('a broken journal is none', () => {
    expect(parseState('one', `journal ${base64('{"event":')}\njournal \n`).unfinished).toEqual([]);
  });

  test('who serves: the edge, else what it would start with, else what runs', () => {
    const state = serving(v1, 'blue');
    expect(servingColour({ ...state, edges: { web: edgeStatus('web', 'green') } })).toBe('green');
    expect(servingColour({ ...state, edges: {}, maps: { web: 'green' } })).toBe('green');
    const worker = release('v1', [servicePlan('worker', 'workers')]);
    expect(servingColour(serving(worker, 'green'))).toBe('green');
    expect(servingColour(hostState())).toBeUndefined();
  });
});

describe('whether a dead deploy was confirmed', () => {
  const record = (more: Partial<JournalHeader> = {}, ...entries: JournalEntry[]) => ({
    header: { ...header, ...more },
    entries,
  });
  const state = (colour: 'blue' | 'green', more: Parameters<typeof hostState>[0] = {}) =>
    hostState({ current: 'v1', maps: { web: colour }, edges: { web: edgeStatus('web', colour) }, ...more });
  const last = (outcome: 'confirmed' | 'reverted', nonce = 'd1') =>
    edgeStatus('web', 'green', {
      persisted: 'blue',
      last: { nonce, from: 'blue', to: 'green', outcome, reason: 'asked', detail: '', at: 1 },
    });

  test.each<[string, boolean, boolean]>([
    ['nothing had been switched', isConfirmedOn(state('blue'), record()), false],
    [
      'armed: the new colour serves, the old one is on disk',
      isConfirmedOn(state('blue', { edges: { web: edgeStatus('web', 'green') } }), record()),
      false,
    ],
    [
      'confirmed in the edge, killed before it was on disk',
      isConfirmedOn(state('blue', { edges: { web: last('confirmed') } }), record()),
      true,
    ],
    ['that, and then a power cut', isConfirmedOn(state('blue'), record()), false],
    [
      'another deploy’s confirmation',
      isConfirmedOn(state('blue', { edges: { web: last('confirmed', 'd0') } }), record()),
      false,
    ],
    ['on disk, the edge does not answer', isConfirmedOn(state('green', { edges: {} }), record()), true],
    [
      'one of two edges on disk',
      isConfirmedOn(
        state('blue', { maps: { web: 'blue', api: 'green' } }),
        record({ edges: ['web', 'api'] }),
      ),
      true,
    ],
    [
      'the journal says so',
      isConfirmedOn(state('blue'), record({}, { event: 'done', at, step: 'confirm' })),
      true,
    ],
    [
      'the journal says only that it was begun',
      isConfirmedOn(state('blue'), record({}, { event: 'begin', at, step: 'confirm' })),
      false,
    ],
    [
      'first deploy, not current yet',
      isConfirmedOn(
        hostState({ maps: { web: 'green' } }),
        record({ newEdges: ['web'], previous: undefined }),
      ),
      false,
    ],
    [
      'first deploy, current',
      isConfirmedOn(
        hostState({ current: 'v2', maps: { web: 'green' } }),
        record({ newEdges: ['web'], previous: undefined }),
      ),
      true,
    ],
    [
      'the same release again without edges',
      isConfirmedOn(
        hostState({ current: 'v2' }),
        record({ edges: [], previous: { release: 'v2', colour: 'blue' } }),
      ),
      false,
    ],
    [
      'that, and the journal says so',
      isConfirmedOn(
        hostState({ current: 'v2' }),
        record(
          { edges: [], previous: { release: 'v2', colour: 'blue' } },
          { event: 'done', at, step: 'confirm' },
        ),
      ),
      true,
    ],
  ])('%s', (_what, found, expected) => {
    expect(found).toBe(expected);
  });
});
