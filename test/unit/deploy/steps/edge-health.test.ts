import { expect, test } from 'vitest';
import type { DeployRun, HostRun } from '../../../../src/deploy/context.ts';
import { labels } from '../../../../src/deploy/model.ts';
import { health } from '../../../../src/deploy/steps/health.ts';
import type { EdgeStatus } from '../../../../src/deploy/traffic/guard.ts';
import { UserError, userErrorsOf } from '../../../../src/kernel/errors.ts';
import { edgeStatus, hostState, plan, release, servicePlan } from '../../../support/deploy/fixtures.ts';

const container = {
  Id: 'c1',
  Names: ['/shop-web-blue-1'],
  Labels: {
    [labels.app]: 'shop',
    [labels.service]: 'web',
    [labels.release]: 'v1',
    [labels.colour]: 'blue',
  },
  State: 'running',
  Status: 'Up 2 seconds',
  NetworkSettings: { Networks: { shop_default: { IPAddress: '172.18.0.5' } } },
};
const inspected = { State: { Running: true }, RestartCount: 0, Config: {} };

/** Runs the step over an edge that answers with these, one after the other; the last one for ever. */
async function healthOver(answers: readonly (Partial<EdgeStatus> | Error)[]) {
  let elapsed = 0;
  let asked = 0;
  const servers: (readonly string[])[] = [];
  const notes: string[] = [];
  const guard = {
    servers: async (_colour: string, addresses: readonly string[]) => void servers.push(addresses),
    status: async () => {
      const answer = answers[Math.min(asked++, answers.length - 1)];
      if (answer instanceof Error) throw answer;
      return edgeStatus('web', 'green', answer);
    },
  };
  const clock = {
    now: () => 0,
    elapsed: () => elapsed,
    sleep: async () => {
      elapsed += 5_000;
    },
  };
  const engine = {
    listContainers: async () => [container],
    getContainer: () => ({ inspect: async () => inspected, logs: async () => Buffer.from('last words') }),
  };
  const web = servicePlan('web', 'blue-green', { health: undefined });
  const hostRun = {
    host: { name: 'one', engine },
    state: hostState(),
    plan: plan(release('v1', [web]), hostState()),
    guards: new Map([['web', guard]]),
  } as unknown as HostRun;
  const run = {
    hosts: [hostRun],
    effects: { clock },
    signal: new AbortController().signal,
    recorder: { health: () => {} },
  } as unknown as DeployRun;
  const outcome = await health
    .apply(run, (text) => void notes.push(text))
    .catch((error: unknown) => userErrorsOf(error).map(({ code }) => code));
  return { outcome, servers, notes, asked };
}

const up = (count: number): Partial<EdgeStatus> => {
  const colour = { up: count, servers: [], current: 0, requests: 0, status: {} };
  return { colours: { blue: colour, green: colour } };
};

test('the edge gets the addresses once, and has to find the containers up twice in a row', async () => {
  const { outcome, servers, notes } = await healthOver([up(0), up(1), up(0), up(1), up(1)]);
  expect(outcome).toBe('1 service healthy');
  expect(servers).toEqual([['172.18.0.5']]);
  expect(notes.filter((note) => note.startsWith('web '))).toEqual([
    'web 0/1 up at the edge',
    'web 1/1 up at the edge',
    'web 0/1 up at the edge',
    'web 1/1 up at the edge',
  ]);
});

test('an edge that was reloaded gets the addresses again', async () => {
  const { outcome, servers, notes } = await healthOver([{ version: 'v0', ...up(1) }, up(1), up(1)]);
  expect(outcome).toBe('1 service healthy');
  expect(servers).toHaveLength(2);
  expect(notes).toContain('the edge of web is reloading');
});

test('one that does not answer yet breaks the row and ends nothing', async () => {
  const { outcome, asked } = await healthOver([up(1), new Error('ENOENT'), up(1), up(1)]);
  expect(outcome).toBe('1 service healthy');
  expect(asked).toBe(4);
});

test('the start deadline ends the wait: with a verdict, the edge’s failure, or its old settings', async () => {
  const broken = new UserError({ code: 'edge.unreachable', message: 'one: the edge does not answer' });
  expect((await healthOver([up(0)])).outcome).toEqual(['health.timeout']);
  expect((await healthOver([broken])).outcome).toEqual(['edge.unreachable']);
  expect((await healthOver([{ version: 'v0' }])).outcome).toEqual(['health.edge-settings']);
});
