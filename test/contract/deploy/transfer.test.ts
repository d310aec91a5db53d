import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEngine, type TestEngine } from '../../support/build/engine.ts';
import { startRegistry, type TestRegistry } from '../../support/build/registry.ts';
import {
  carry,
  codeOf,
  imageSource,
  type Store,
  startCarryHost,
  tagsOf,
} from '../../support/deploy/transfer-bed.ts';

// Images travel from engines of both stores to hosts of both stores; the registry is there for its network alone.

const kib = 1024;

let registry: TestRegistry;
const engines = new Map<string, TestEngine>();
const engine = (role: 'runner' | 'host', store: Store): TestEngine => {
  const found = engines.get(`${role} ${store}`);
  if (found === undefined) throw new Error(`no ${role} with ${store}`);
  return found;
};

beforeAll(async () => {
  registry = await startRegistry(16);
  for (const store of ['containerd', 'graphdriver'] as const) {
    for (const role of ['runner', 'host'] as const) {
      engines.set(`${role} ${store}`, await startEngine(registry, store));
    }
  }
});
afterAll(async () => {
  await Promise.all([...engines.values()].map((testEngine) => testEngine[Symbol.asyncDispose]()));
  await registry?.[Symbol.asyncDispose]();
});

describe.each([
  ['containerd', 'containerd'],
  ['containerd', 'graphdriver'],
  ['graphdriver', 'containerd'],
  ['graphdriver', 'graphdriver'],
] as const)('from an engine with the %s store to a host with the %s store', (from, to) => {
  test('moves everything once, then what changed, then nothing', async () => {
    const [runner, target] = [engine('runner', from), engine('host', to)];
    await using place = await startCarryHost(target);
    using source = imageSource(`${from}-${to}`, 2000 * kib);

    const first = await source.build(runner, 64 * kib);
    const all = await carry(runner, place, [first.reference]);
    expect(all).toMatchObject({ images: 1, layers: 2, moved: 2, full: false });
    expect(await codeOf(target, first.reference)).toBe(first.code);

    // Of bytes that cannot be compressed a layer has at least as many, so this is stricter than the layer itself.
    const second = await source.build(runner, 64 * kib);
    const changed = await carry(runner, place, [second.reference]);
    expect(changed).toMatchObject({ layers: 2, moved: 1, full: false });
    expect(changed.bytes).toBeGreaterThan(64 * kib);
    expect(changed.bytes).toBeLessThan(1.05 * 64 * kib);
    expect(await codeOf(target, second.reference)).toBe(second.code);

    const again = await carry(runner, place, [first.reference, second.reference]);
    expect(again).toMatchObject({ images: 2, layers: 3, moved: 0, full: false });

    // Nothing is left but the images under their names.
    expect(existsSync(place.layout.incoming)).toBe(false);
    const tags = [first, second].map(({ reference }) => reference.slice(reference.lastIndexOf(':') + 1));
    expect((await tagsOf(target, `${from}-${to}`)).sort()).toEqual(tags.sort());
    const kept = readdirSync(join(place.layout.app, 'images'));
    expect(kept.filter((name) => name.endsWith('.json')).length).toBe(2);
  });
});

test('the little beside a layer is little, and a base for it that is damaged costs no layer', async () => {
  const [runner, target] = [engine('runner', 'containerd'), engine('host', 'containerd')];
  await using place = await startCarryHost(target);
  using source = imageSource('little', 300 * kib);
  await carry(runner, place, [(await source.build(runner, 8 * kib)).reference]);
  const second = await carry(runner, place, [(await source.build(runner, 8 * kib)).reference]);
  // The layer is some 200 bytes longer than the file in it.
  expect(second.bytes).toBeLessThan(1.05 * 8 * kib + 250);
  const third = await source.build(runner, 8 * kib);
  const carried = await carry(runner, place, [third.reference], {
    beforeSending: async () => writeFileSync(join(place.layout.app, 'images/last.tar'), 'something else'),
  });
  expect(carried).toMatchObject({ moved: 1, full: false });
  expect(await codeOf(target, third.reference)).toBe(third.code);
});

test('several images go in one load, and a layer that they share goes once', async () => {
  const [runner, target] = [engine('runner', 'graphdriver'), engine('host', 'containerd')];
  await using place = await startCarryHost(target);
  using source = imageSource('shared', 300 * kib);
  const images = [await source.build(runner, 10 * kib), await source.build(runner, 10 * kib)];
  const carried = await carry(
    runner,
    place,
    images.map(({ reference }) => reference),
  );
  expect(carried).toMatchObject({ images: 2, layers: 3, moved: 3 });
  expect(carried.bytes).toBeLessThan(330 * kib);
  for (const { reference, code } of images) expect(await codeOf(target, reference)).toBe(code);
});

test('a record that is wrong costs a full load, and no tag of the first try is left', async () => {
  const [runner, target] = [engine('runner', 'graphdriver'), engine('host', 'containerd')];
  await using place = await startCarryHost(target);
  using source = imageSource('wrong', 300 * kib);
  using other = imageSource('other', 1 * kib);
  const first = await source.build(runner, 10 * kib);
  const bystander = await other.build(runner, 1 * kib);
  await carry(runner, place, [first.reference]);
  await carry(runner, place, [bystander.reference]);
  // The image is gone, with its blobs; its record claims to be that of an image that is there.
  await place.docker('image', 'rm', first.reference);
  const fileOf = (reference: string) =>
    join(place.layout.app, 'images', `${reference.slice(reference.indexOf('sha256-') + 7)}.json`);
  const record = (reference: string) => JSON.parse(readFileSync(fileOf(reference), 'utf8')) as object;
  const { reference, manifest } = record(bystander.reference) as { reference: string; manifest: string };
  writeFileSync(fileOf(first.reference), JSON.stringify({ ...record(first.reference), reference, manifest }));

  const second = await source.build(runner, 10 * kib);
  const notes: string[] = [];
  const carried = await carry(runner, place, [second.reference], { note: (text) => notes.push(text) });
  expect(notes).toContain(
    `${place.host.name}: the host lacks more layers than expected, sending all of them`,
  );
  expect(carried).toMatchObject({ layers: 2, moved: 2, full: true });
  expect(carried.bytes).toBeGreaterThan(320 * kib);
  expect(await codeOf(target, second.reference)).toBe(second.code);
  expect((await tagsOf(target, 'wrong')).length).toBe(1);
});

test('a host whose image goes away in the middle gets everything', async () => {
  const [runner, target] = [engine('runner', 'containerd'), engine('host', 'graphdriver')];
  await using place = await startCarryHost(target);
  using source = imageSource('pruned', 300 * kib);
  const first = await source.build(runner, 10 * kib);
  await carry(runner, place, [first.reference]);
  const second = await source.build(runner, 10 * kib);
  const carried = await carry(runner, place, [second.reference], {
    beforeSending: async () => void (await place.docker('image', 'rm', first.reference)),
  });
  expect(carried).toMatchObject({ moved: 2, full: true });
  expect(await codeOf(target, second.reference)).toBe(second.code);
});
