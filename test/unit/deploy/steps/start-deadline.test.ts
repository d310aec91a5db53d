import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Docker from 'dockerode';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ServicePlan } from '../../../../src/config/model.ts';
import { planServices } from '../../../../src/config/services/strategies.ts';
import type { DeployRun, HostRun } from '../../../../src/deploy/context.ts';
import { labels } from '../../../../src/deploy/model.ts';
import { waitRunning } from '../../../../src/deploy/steps/waiting/wait.ts';
import type { Clock } from '../../../../src/kernel/clock.ts';
import { config, model } from '../../../support/config/fixtures.ts';
import { hostState, plan, release, servicePlan } from '../../../support/deploy/fixtures.ts';

const seconds = (count: number) => count * 1_000_000_000;
const check = { Test: ['CMD', 'true'], Interval: seconds(10), StartPeriod: seconds(120), Retries: 3 };

/** An engine with one container, which becomes healthy at a moment of the test's own clock. */
const folder = mkdtempSync(join(tmpdir(), 'sluice-engine-'));
const state = {
  elapsed: 0,
  healthyAt: Number.POSITIVE_INFINITY,
  check: check as object | undefined,
  asked: 0,
};
let server: Server;

beforeAll(async () => {
  server = createServer((request, response) => {
    const path = request.url?.split('?')[0];
    const isHealthy = state.elapsed >= state.healthyAt;
    const one = {
      Id: 'c1',
      Names: ['/shop-pdf-1'],
      Labels: { [labels.app]: 'shop', [labels.service]: 'pdf' },
      State: 'running',
      Status: `Up 2 minutes (${isHealthy ? 'healthy' : 'health: starting'})`,
    };
    if (path === '/containers/c1/json') state.asked += 1;
    const inspected = {
      State: { Running: true, Restarting: false, Health: { Status: isHealthy ? 'healthy' : 'starting' } },
      Config: { Healthcheck: state.check },
    };
    const isLog = path === '/containers/c1/logs';
    response.writeHead(200, { 'Content-Type': isLog ? 'text/plain' : 'application/json' });
    response.end(isLog ? '' : JSON.stringify(path === '/containers/json' ? [one] : inspected));
  });
  await new Promise<void>((resolve) => server.listen(join(folder, 'docker.sock'), resolve));
});

afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

/** Five seconds pass with each look. */
const clock: Clock = {
  now: () => 0,
  elapsed: () => state.elapsed,
  sleep: async () => {
    state.elapsed += 5_000;
  },
};

/** How long it waited for `pdf`, s; what it said when it gave up. */
async function waited(own: Partial<ServicePlan>): Promise<number | string> {
  state.elapsed = 0;
  const service = servicePlan('pdf', 'recreate', own);
  const engine = new Docker({ socketPath: join(folder, 'docker.sock') });
  const hostRun = {
    host: { name: 'one', engine },
    plan: plan(release('v1', [service]), hostState()),
    state: hostState(),
  };
  const run = { effects: { clock }, signal: new AbortController().signal };
  try {
    const awaited = [{ plan: service, project: 'pdf' }];
    await waitRunning(run as unknown as DeployRun, hostRun as unknown as HostRun, awaited, () => {});
    return state.elapsed / 1000;
  } catch (error) {
    return (error as Error).message;
  }
}

test('the health check of an image that nobody asked counts: 120 s of start period are waited for', async () => {
  Object.assign(state, { healthyAt: 75_000, check, asked: 0 });
  expect(await waited({ startDeadlineMs: 60_000 })).toBe(75);
  // Once when the plan's time was over, once to see that it has not ended.
  expect(state.asked).toBe(2);
});

test('it is the limit then, and the message has it', async () => {
  Object.assign(state, { healthyAt: Number.POSITIVE_INFINITY, check });
  expect(await waited({ startDeadlineMs: 60_000 })).toContain('pdf did not become healthy within 150 s');
});

test.each([
  undefined,
  { Test: ['NONE'], StartPeriod: seconds(120) },
  { Test: [], StartPeriod: seconds(120) },
])('without one the plan’s time counts: %o', async (none) => {
  Object.assign(state, { healthyAt: Number.POSITIVE_INFINITY, check: none });
  expect(await waited({ startDeadlineMs: 60_000 })).toContain('within 60 s');
});

test('start-timeout of sluice.yml counts before it, and never less than the plan says', async () => {
  Object.assign(state, { healthyAt: Number.POSITIVE_INFINITY, check });
  expect(await waited({ startDeadlineMs: 60_000, startTimeout: true })).toContain('within 60 s');
  expect(await waited({ startDeadlineMs: 300_000 })).toContain('within 300 s');
});

test('what is known of an image beforehand is in the plan', () => {
  const image = { ports: [{ port: 3000, protocol: 'tcp' as const }], volumes: [], env: {}, labels: {} };
  const healthcheck = { test: ['CMD', 'true'], startPeriodMs: 120_000, intervalMs: 10_000, retries: 2 };
  const deadline = (own = {}, service = {}) => {
    const options = { images: { web: { ...image, healthcheck } as never } };
    const services = model({ web: { build: '.', ...service } });
    return planServices(services, { ...config, services: { web: own } }, options)[0];
  };
  expect(deadline()?.startDeadlineMs).toBe(140_000);
  expect(deadline()).not.toHaveProperty('startTimeout');
  expect(deadline({ startTimeoutMs: 5_000 })).toMatchObject({ startDeadlineMs: 5_000, startTimeout: true });
  // A compose file takes the fields that it does not set from the image.
  expect(deadline({}, { healthcheck: { interval: '20s' } })?.startDeadlineMs).toBe(160_000);
  expect(deadline({}, { healthcheck: { disable: true } })?.startDeadlineMs).toBe(60_000);
});
