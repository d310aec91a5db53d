import { expect, test } from 'vitest';
import { removeReverted, startAgain } from '../../../../src/deploy/steps/revert.ts';
import type { Host } from '../../../../src/host/model.ts';
import { systemClock } from '../../../../src/kernel/clock.ts';
import { container, servicePlan } from '../../../support/deploy/fixtures.ts';

/** A host that notes what is done to its containers. */
function noting() {
  const done: string[] = [];
  const host = {
    exec: async (command: readonly string[]) => void done.push(command.slice(4).join(' ')),
    engine: {
      getContainer: (id: string) => ({
        inspect: async () => ({ State: { Running: true } }),
        update: async ({ RestartPolicy: { Name } }: { RestartPolicy: { Name: string } }) =>
          void done.push(`${id} restart ${Name}`),
        stop: async ({ t }: { t: number }) => void done.push(`${id} stop ${t}`),
        remove: async () => void done.push(`${id} remove`),
      }),
    },
  };
  return { done, host: host as unknown as Host };
}

const services = [
  servicePlan('web', 'blue-green', { stopGraceMs: 300_000 }),
  servicePlan('queue', 'workers', { stopGraceMs: 5_000 }),
];
const web = container('web', { id: 'web' });
const queue = container('queue', { id: 'queue' });

test('before the switch only workers may be busy: they stop, the others are removed', async () => {
  const { done, host } = noting();
  await removeReverted(host, [web, queue], { services, movedTraffic: false, clock: systemClock });
  expect(done).toEqual(['web remove', 'queue restart no', 'queue stop 5', 'queue remove']);
});

test('after it all of them stop, none for longer than a minute', async () => {
  const { done, host } = noting();
  await removeReverted(host, [web, queue], { services, movedTraffic: true, clock: systemClock });
  expect(done).toEqual(expect.arrayContaining(['web stop 60', 'queue stop 5', 'web remove', 'queue remove']));
});

test('one that has ended is removed at once', async () => {
  const { done, host } = noting();
  const ended = { ...web, running: false };
  await removeReverted(host, [ended], { services, movedTraffic: true, clock: systemClock });
  expect(done).toEqual(['web remove']);
});

test('containers that released their ports start again, those of ours for ever', async () => {
  const { done, host } = noting();
  await startAgain(host, [web, { id: 'plain', plain: true }]);
  expect(done).toEqual(['start web plain', 'web restart always']);
});
