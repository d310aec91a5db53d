import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { must } from '../../bed/command.ts';
import { startEngine, type TestEngine } from '../../support/build/engine.ts';
import { startRegistry, type TestRegistry } from '../../support/build/registry.ts';
import {
  type CarryHost,
  carry,
  codeOf,
  imageSource,
  startCarryHost,
  tagsOf,
} from '../../support/deploy/transfer-bed.ts';
import { failure } from '../../support/host/sshd.ts';

// A transfer that is cut off, cancelled or damaged: nothing half-done is seen, and the next one goes on from there.

const mib = 1024 * 1024;
const layerBytes = 48 * mib;

let registry: TestRegistry;
let runner: TestEngine;
let target: TestEngine;

beforeAll(async () => {
  registry = await startRegistry(16);
  [runner, target] = await Promise.all([
    startEngine(registry, 'containerd'),
    startEngine(registry, 'graphdriver'),
  ]);
});
afterAll(async () => {
  await Promise.all([runner, target].map((testEngine) => testEngine?.[Symbol.asyncDispose]()));
  await registry?.[Symbol.asyncDispose]();
});

/** Something of a layer has arrived, and by far not all. */
async function untilUnderWay(place: CarryHost): Promise<void> {
  while (place.arriving() < mib) await sleep(1);
}

/** Bytes that the host keeps, once it has noticed that no more come. */
async function settled(place: CarryHost): Promise<number> {
  for (let before = -1; before !== place.arriving(); await sleep(300)) before = place.arriving();
  return place.arriving();
}

test('after a lost connection the next one sends what is missing', async () => {
  await using place = await startCarryHost(target);
  using source = imageSource('cut', 1024);
  const image = await source.build(runner, layerBytes);
  const attempt = failure(carry(runner, place, [image.reference]));
  await untilUnderWay(place);
  place.cut();
  expect((await attempt).code).toBe('host.connection-lost');
  const kept = await settled(place);
  expect(kept).toBeGreaterThanOrEqual(mib);
  expect(kept).toBeLessThan(layerBytes);
  expect(await tagsOf(target, 'cut')).toEqual([]);

  const carried = await carry(runner, { ...place, host: await place.again() }, [image.reference]);
  // The two layers and the little beside them, without what was there.
  expect(carried.bytes).toBeLessThan(layerBytes - kept + 64 * 1024);
  expect(carried.full).toBe(false);
  expect(await codeOf(target, image.reference)).toBe(image.code);
});

test('a cancelled transfer leaves no tag and is taken up again', async () => {
  await using place = await startCarryHost(target);
  using source = imageSource('cancelled', 1024);
  const image = await source.build(runner, layerBytes);
  const cancel = new AbortController();
  const reason = new Error('cancelled by the test');
  const attempt = carry(runner, place, [image.reference], { signal: cancel.signal });
  attempt.catch(() => {});
  await untilUnderWay(place);
  cancel.abort(reason);
  await expect(attempt).rejects.toBe(reason);
  const kept = await settled(place);
  expect(await tagsOf(target, 'cancelled')).toEqual([]);

  const carried = await carry(runner, place, [image.reference]);
  expect(carried.bytes).toBeLessThan(layerBytes - kept + 64 * 1024);
  expect(await codeOf(target, image.reference)).toBe(image.code);
});

test('what arrived damaged is sent anew', async () => {
  await using place = await startCarryHost(target);
  using source = imageSource('damaged', 1024);
  const image = await source.build(runner, layerBytes);
  const begun = failure(carry(runner, place, [image.reference]));
  await untilUnderWay(place);
  place.cut();
  await begun;
  const kept = await settled(place);
  const parts = join(place.layout.incoming, 'parts');
  const names = readdirSync(parts);
  expect(names.length).toBe(1);
  const part = join(parts, names[0] ?? '');

  writeFileSync(part, Buffer.alloc(kept, 'x'));
  const carried = await carry(runner, { ...place, host: await place.again() }, [image.reference]);
  // First the rest, which shows the damage, then all of it.
  expect(carried.bytes).toBeGreaterThan(2 * layerBytes - kept);
  expect(carried.full).toBe(false);
  expect(await codeOf(target, image.reference)).toBe(image.code);
});

test('a tag that somebody moved is refused before anything is sent', async () => {
  await using place = await startCarryHost(target);
  using source = imageSource('moved', 1024);
  const [one, two] = [await source.build(runner, 2048), await source.build(runner, 2048)];
  await must(['docker', '--host', runner.socket, 'tag', two.reference, one.reference]);
  const error = await failure(carry(runner, place, [one.reference]));
  expect(error.code).toBe('image.damaged');
  expect(error.message).toContain('its tag was moved');
  expect(await tagsOf(target, 'moved')).toEqual([]);
  expect(place.arriving()).toBe(0);
});

test('an image that is nowhere is named, with both sides', async () => {
  await using place = await startCarryHost(target);
  const reference = `localhost/shop/none:sha256-${'0'.repeat(64)}`;
  const error = await failure(carry(runner, place, [reference]));
  expect(error.code).toBe('image.nowhere');
  expect(error.message).toBe(
    `Neither ${place.host.name} nor the Docker engine where Sluice runs has ${reference}`,
  );
});

test('an engine that is down is said to be down, and what arrived is kept', async () => {
  const own = await startEngine(registry, 'graphdriver');
  try {
    await using place = await startCarryHost(own);
    using source = imageSource('down', 1024);
    const image = await source.build(runner, mib);
    const error = await failure(
      carry(runner, place, [image.reference], {
        beforeSending: async () => void (await must(['docker', 'stop', '--time', '10', own.container])),
      }),
    );
    expect(error.code).toBe('host.engine-down');
    expect(readdirSync(join(place.layout.incoming, 'blobs/sha256')).length).toBeGreaterThanOrEqual(2);
  } finally {
    await own[Symbol.asyncDispose]();
  }
});
