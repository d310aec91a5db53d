import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ComposeService } from '../../../../src/config/model.ts';
import {
  type Platform,
  parsePlatform,
  platformFor,
  platformsIn,
  requirePlatforms,
  runsOn,
  verifyPlatforms,
} from '../../../../src/deploy/preflight/platforms.ts';
import { resolveDigests } from '../../../../src/deploy/project/images.ts';
import type { Host } from '../../../../src/host/model.ts';
import { userErrorsOf } from '../../../../src/kernel/errors.ts';
import {
  digest,
  edgeImage,
  hostState,
  plan,
  release,
  servicePlan,
} from '../../../support/deploy/fixtures.ts';

/** An engine that has, and whose registry offers, what a test says; dockerode asks it as any other. */
const folder = mkdtempSync(join(tmpdir(), 'sluice-engine-'));
const answers: Record<string, unknown> = {};
let server: Server;

beforeAll(async () => {
  server = createServer((request, response) => {
    const answer = answers[decodeURIComponent(request.url?.split('?')[0] ?? '')];
    response.writeHead(answer === undefined ? 404 : 200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(answer ?? { message: `nothing at ${request.url}` }));
  });
  await new Promise<void>((resolve) => server.listen(join(folder, 'docker.sock'), resolve));
});

afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

const host = (): Host =>
  ({ name: 'one', engine: new Docker({ socketPath: join(folder, 'docker.sock') }) }) as unknown as Host;

const amd64 = parsePlatform('linux/amd64');
const image = `app/web@${digest}`;

function planOf(more: ComposeService = {}) {
  const record = release('v1', [servicePlan('web', 'blue-green')], { web: { image, ...more } });
  return plan(record, hostState());
}

async function faultsOf(work: () => unknown): Promise<string[]> {
  try {
    await work();
  } catch (error) {
    const known = userErrorsOf(error);
    if (known.length === 0) throw error;
    return known.map(({ code, message }) => `${code} ${message}`);
  }
  return [];
}

test.each<[string, string, boolean]>([
  ['linux/amd64', 'linux/amd64', true],
  ['linux/arm64', 'linux/amd64', false],
  ['linux/386', 'linux/amd64', true],
  ['linux/arm/v7', 'linux/arm64', true],
  ['linux/arm64/v8', 'linux/arm64', true],
  ['linux/amd64', 'linux/arm64', false],
  ['windows/amd64', 'linux/amd64', false],
])('%s on %s: %s', (offered, engine, runs) => {
  expect(runsOn(parsePlatform(offered), parsePlatform(engine))).toBe(runs);
});

test('attestations of an index are no platforms', () => {
  const unknown = { architecture: 'unknown', os: 'unknown' };
  expect(platformsIn([{ architecture: 'arm64', os: 'linux', variant: 'v8' }, unknown])).toEqual([
    parsePlatform('linux/arm64/v8'),
  ]);
  expect(platformsIn(null)).toEqual([]);
});

describe('before anything is pulled', () => {
  const check = (offered: readonly Platform[], more: ComposeService = {}, engine = amd64) =>
    faultsOf(() => requirePlatforms([planOf(more)], new Map([[image, offered]]), [engine]));

  test('an image for another platform is refused, with both', async () => {
    expect(await check([parsePlatform('linux/arm64')])).toEqual([
      `image.platform one: the image of web is for linux/arm64, but linux/amd64 is needed: ${image}`,
    ]);
  });

  test('of an index one entry is enough, and what is not known is no fault', async () => {
    expect(await check([parsePlatform('linux/arm64'), amd64])).toEqual([]);
    expect(await check([])).toEqual([]);
  });

  test('a service that asks for another platform gets that one', async () => {
    const arm = { platform: 'linux/arm64' };
    expect(await check([parsePlatform('linux/arm64/v8')], arm)).toEqual([]);
    expect(await check([amd64], arm)).toEqual([
      `image.platform one: the image of web is for linux/amd64, but linux/arm64 is needed: ${image}`,
    ]);
    expect(platformFor(planOf(arm).record.model, image)).toBe('linux/arm64');
    expect(platformFor(planOf().record.model, image)).toBeUndefined();
  });

  test('the registry says what a tag is made for', async () => {
    answers['/distribution/app/web:2/json'] = {
      Descriptor: { digest },
      Platforms: [
        { architecture: 'arm64', os: 'linux', variant: 'v8' },
        { architecture: 'unknown', os: 'unknown' },
      ],
    };
    const resolved = await resolveDigests(host(), ['app/web:2', image], () => undefined, AbortSignal.any([]));
    expect(resolved.get('app/web:2')).toEqual({
      reference: image,
      platforms: [parsePlatform('linux/arm64/v8')],
    });
    expect(resolved.get(image)).toEqual({ reference: image, platforms: [] });
  });
});

describe('before the backup', () => {
  const engineHas = (web: string, edge: string) => {
    answers['/version'] = { Os: 'linux', Arch: 'amd64' };
    answers[`/images/${image}/json`] = { Os: 'linux', Architecture: web };
    answers[`/images/${edgeImage}/json`] = { Os: 'linux', Architecture: edge, Variant: '' };
  };

  test('what was pulled or sent is compared with the engine', async () => {
    engineHas('amd64', 'amd64');
    expect(await faultsOf(() => verifyPlatforms(host(), planOf()))).toEqual([]);
    engineHas('arm64', 'amd64');
    expect(await faultsOf(() => verifyPlatforms(host(), planOf()))).toEqual([
      `image.platform one: the image of web is for linux/arm64, but linux/amd64 is needed: ${image}`,
    ]);
  });

  test('so is the image of the edge', async () => {
    engineHas('amd64', 'arm64');
    expect(await faultsOf(() => verifyPlatforms(host(), planOf()))).toEqual([
      `image.platform one: the edge image of web is for linux/arm64, but linux/amd64 is needed: ${edgeImage}`,
    ]);
  });
});
