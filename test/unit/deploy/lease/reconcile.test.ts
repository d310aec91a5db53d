import { expect, test } from 'vitest';
import type { HeldHost } from '../../../../src/deploy/context.ts';
import type { JournalEntry, JournalHeader } from '../../../../src/deploy/lease/journal.ts';
import { reconcile } from '../../../../src/deploy/lease/reconcile.ts';
import { layoutOf } from '../../../../src/deploy/model.ts';
import { systemClock } from '../../../../src/kernel/clock.ts';
import { container, hostState, release, servicePlan } from '../../../support/deploy/fixtures.ts';

const header: JournalHeader = {
  event: 'open',
  at: '2026-01-01T00:00:00.000Z',
  deploy: 'd1',
  app: 'shop',
  command: 'deploy',
  target: 'production',
  release: 'v2',
  colour: 'green',
  previous: undefined,
  newEdges: [],
  edges: [],
  replaced: [],
  created: ['cache'],
  stopped: [],
  newRelease: true,
  actor: undefined,
  runUrl: undefined,
  commit: undefined,
};

/** A host that a dead deploy has left, and what is done to it. */
function leftBy(record: JournalHeader, names: readonly string[]) {
  const done: string[] = [];
  const written: JournalEntry[] = [];
  const ours = { colour: record.colour, release: record.release };
  const of = (id: string) => container(id, { id, ...(id === 'cache' ? {} : ours) });
  const services = [servicePlan('queue', 'workers'), servicePlan('cache', 'recreate')];
  const held = {
    host: {
      name: 'one',
      exec: async (command: readonly string[]) => void done.push(command.join(' ')),
      engine: {
        listContainers: async () => [{ Id: 'sluice-job' }],
        getContainer: (id: string) => ({
          inspect: async () => ({ State: { Running: true } }),
          update: async () => undefined,
          stop: async () => void done.push(`${id} stop`),
          remove: async () => void done.push(`${id} remove`),
        }),
      },
    },
    layout: layoutOf('/opt/sluice', 'shop'),
    state: hostState({
      releases: [release('v2', services)],
      unfinished: [{ header: record, entries: [], end: undefined }],
      containers: names.map(of),
    }),
    keeper: { write: async (_: string, entry: JournalEntry) => void written.push(entry) },
  };
  return { done, written, held: held as unknown as HeldHost };
}

const by = { deploy: 'd2', log: undefined as never, clock: systemClock, drainMs: 1_000 };

test('the undo of a dead deploy: workers finish while what they need still runs', async () => {
  const { done, written, held } = leftBy(header, ['cache', 'queue']);
  expect(await reconcile([held], by)).toEqual(['undid v2, whose run died']);
  expect(done.slice(0, 2)).toEqual(['queue stop', 'queue remove']);
  expect(done).toEqual(expect.arrayContaining(['cache remove', 'sluice-job remove']));
  expect(done.at(-1)).toBe('rm -rf -- /opt/sluice/shop/releases/v2');
  expect(written).toMatchObject([{ event: 'end', outcome: 'undone', by: 'd2' }]);
});
