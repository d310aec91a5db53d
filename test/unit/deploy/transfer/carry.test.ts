import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assemble } from '../../../../src/deploy/transfer/assemble.ts';
import { parseLook } from '../../../../src/deploy/transfer/holdings.ts';
import {
  type Blob,
  chainIds,
  type Holdings,
  type ImageRecord,
  type LocalImage,
  planImage,
  sha256,
  skippable,
} from '../../../../src/deploy/transfer/layers.ts';
import { deltaOf } from '../../../../src/deploy/transfer/load.ts';
import { lackingImages } from '../../../../src/deploy/transfer/transfer.ts';
import { readTar } from '../../../../src/kernel/tar.ts';

const diff = (name: string) => sha256(`diff ${name}`);
const blob = (name: string): Blob => ({ digest: sha256(`blob ${name}`), size: 7, mediaType: 'tar+gzip' });
const hex = (digest: string) => digest.slice('sha256:'.length);

function image(...layers: readonly string[]): LocalImage {
  const diffIds = layers.map(diff);
  const config = Buffer.from(JSON.stringify({ rootfs: { diff_ids: diffIds } }));
  return { reference: `localhost/shop/api:${sha256(config).replace(':', '-')}`, config, diffIds };
}

function holdings(store: Holdings['store'], has: readonly (readonly string[])[]): Holdings {
  return {
    store,
    chains: new Set(has.flatMap((layers) => chainIds(layers.map(diff)))),
    blobs: new Map(has.flat().map((name) => [diff(name), blob(name)])),
    arrived: new Map(),
    staleRecords: [],
    lastArchive: Buffer.alloc(0),
    leftTags: [],
    freeBytes: undefined,
  };
}

describe('what a host lacks', () => {
  const sent = (store: Holdings['store'], has: readonly (readonly string[])[], full = false) =>
    planImage(image('base', 'libs', 'code'), holdings(store, has), full).layers.map(({ send }) => send);

  test('with containerd’s store: layers that no image of ours brought, wherever they stand', () => {
    expect(sent('containerd', [])).toEqual([true, true, true]);
    expect(sent('containerd', [['base', 'libs', 'old']])).toEqual([false, false, true]);
    expect(sent('containerd', [['other', 'libs']])).toEqual([true, false, true]);
  });

  test('with the older store: layers that it has on top of the very same ones', () => {
    expect(sent('graphdriver', [['base', 'libs', 'old']])).toEqual([false, false, true]);
    expect(sent('graphdriver', [['other', 'libs', 'code']])).toEqual([true, true, true]);
    expect(sent('graphdriver', [['base', 'libs', 'code', 'more']])).toEqual([false, false, false]);
  });

  test('whatever it has, a full load sends everything', () => {
    for (const store of ['containerd', 'graphdriver'] as const) {
      expect(sent(store, [['base', 'libs', 'code']], true)).toEqual([true, true, true]);
    }
  });

  test('chain ids are those of the image specification', () => {
    const [a, b, c] = ['a', 'b', 'c'].map(diff) as [string, string, string];
    expect(chainIds([a, b, c])).toEqual([a, sha256(`${a} ${b}`), sha256(`${sha256(`${a} ${b}`)} ${c}`)]);
  });

  test('nothing is left out of the local engine’s archive that any host is to be sent', () => {
    const layers = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { minLength: 1 });
    const host = fc
      .record({
        store: fc.constantFrom('containerd' as const, 'graphdriver' as const),
        has: fc.array(layers, { maxLength: 3 }),
      })
      .map(({ store, has }) => holdings(store, has));
    fc.assert(
      fc.property(
        fc.array(host, { minLength: 1, maxLength: 3 }),
        fc.array(layers, { minLength: 1 }),
        (hosts, all) => {
          const images = all.map((names) => image(...names));
          const skipped = skippable(
            hosts,
            images.map(({ diffIds }) => diffIds),
          );
          for (const item of hosts) {
            const needed = images.flatMap((one) =>
              planImage(one, item, false).layers.filter(({ send }) => send),
            );
            expect(needed.filter(({ diffId }) => skipped.has(hex(diffId)))).toEqual([]);
          }
        },
      ),
    );
  });

  test('what every host has is left out, under both of its names', () => {
    const one = holdings('containerd', [['base', 'libs']]);
    const two = holdings('graphdriver', [['base']]);
    const names = skippable([one, two], [image('base', 'libs').diffIds]);
    expect(names).toEqual(new Set([hex(diff('base')), hex(blob('base').digest)]));
  });
});

test('only images that no registry has are carried, and only those that are missing', () => {
  const carried = (letter: string) => `localhost/shop/api:sha256-${letter.repeat(64)}`;
  const images = [
    { reference: carried('a'), present: false },
    { reference: carried('b'), present: true },
    { reference: `ghcr.io/acme/api@sha256:${'c'.repeat(64)}`, present: false },
  ];
  expect(lackingImages({ images })).toEqual([carried('a')]);
});

describe('the archive beside the layers', () => {
  async function filesOf(archive: Buffer): Promise<Map<string, string>> {
    const files = new Map<string, string>();
    async function* chunks() {
      yield archive;
    }
    await readTar(chunks(), async ({ path, content }) => {
      let text = '';
      for await (const part of content) text += part.toString();
      files.set(path, text);
    });
    return files;
  }

  test('for containerd’s store it is an OCI layout, whose manifest has old layers as they were sent', async () => {
    const made = image('base', 'code');
    const plan = planImage(made, holdings('containerd', [['base']]), false);
    const { archive, images } = assemble('containerd', [plan], new Map([[diff('code'), blob('code')]]));
    const files = await filesOf(archive);
    const [record] = images.map((assembledImage) => assembledImage.record);
    const manifest = files.get(`blobs/sha256/${hex(record?.manifest ?? '')}`) ?? '';
    expect(sha256(manifest)).toBe(record?.manifest);
    expect(JSON.parse(manifest)).toMatchObject({
      config: { digest: sha256(made.config), size: made.config.length },
      layers: [blob('base'), blob('code')],
    });
    expect(files.get(`blobs/sha256/${hex(sha256(made.config))}`)).toBe(made.config.toString());
    expect([...files.keys()]).toEqual(expect.arrayContaining(['oci-layout', 'index.json']));
    expect(JSON.parse(files.get('index.json') ?? '')).toMatchObject({
      manifests: [
        { digest: record?.manifest, annotations: { 'io.containerd.image.name': images[0]?.incoming } },
      ],
    });
    expect(record?.layers.map(({ diffId }) => diffId)).toEqual([diff('base'), diff('code')]);
  });

  test('for the older store it is the list of docker save, and no name is that of the release yet', async () => {
    const made = image('base', 'code');
    const has = { ...holdings('graphdriver', [['base']]), blobs: new Map() };
    const plan = planImage(made, has, false);
    const { archive, images } = assemble('graphdriver', [plan], new Map([[diff('code'), blob('code')]]));
    const files = await filesOf(archive);
    expect(JSON.parse(files.get('manifest.json') ?? '')).toEqual([
      {
        Config: `blobs/sha256/${hex(sha256(made.config))}`,
        RepoTags: [`localhost/shop/api:incoming-${hex(sha256(made.config)).slice(0, 12)}`],
        Layers: ['there', `blobs/sha256/${hex(blob('code').digest)}`],
      },
    ]);
    expect(files.size).toBe(2);
    // What was never sent has no name that a later archive would know it by.
    expect(images[0]?.record.layers.map(({ diffId }) => diffId)).toEqual([diff('code')]);
  });
});

describe('the difference to the last archive', () => {
  function applied(base: Buffer, { ops, literals }: ReturnType<typeof deltaOf>): Buffer {
    let at = 0;
    const parts = ops.split('\n').map((line) => {
      const [op, a = 0, b = 0] = line.split(' ').map((word, index) => (index === 0 ? word : Number(word)));
      if (op === 'c') return base.subarray(Number(a), Number(a) + Number(b));
      if (op !== 'l') return Buffer.alloc(0);
      at += Number(a);
      return literals.subarray(at - Number(a), at);
    });
    return Buffer.concat(parts);
  }

  test('makes the new one out of any old one', () => {
    const text = fc.array(fc.constantFrom('0123456789abcdef', 'layer of code ', '\0'.repeat(40), 'x', 'é'), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(text, text, (before, after) => {
        const [base, wanted] = [Buffer.from(before.join('')), Buffer.from(after.join(''))];
        expect(applied(base, deltaOf(base, wanted)).equals(wanted)).toBe(true);
      }),
    );
  });

  test('is small when little has changed', () => {
    const base = Buffer.from(Array.from({ length: 200 }, (_, index) => sha256(`line ${index}`)).join('\n'));
    const wanted = Buffer.from(base.toString().replace(sha256('line 77'), sha256('other')));
    const { ops, literals } = deltaOf(base, wanted);
    expect(literals.length).toBeLessThan(80);
    expect(ops.length).toBeLessThan(60);
  });
});

describe('what the host says', () => {
  const reference = `localhost/shop/api:sha256-${'a'.repeat(64)}`;
  const layer = { diffId: diff('base'), ...blob('base') };
  const record: ImageRecord = { version: 1, reference, manifest: sha256('manifest'), layers: [layer] };
  const line = (value: unknown, name = 'b'.repeat(64)) =>
    `record ${name}.json ${Buffer.from(JSON.stringify(value)).toString('base64')}`;
  const tagged = (Id: string) => [{ Id, RepoTags: [reference] }];

  test('a record counts as long as its image is there, in either store', () => {
    for (const id of [record.manifest, `sha256:${'a'.repeat(64)}`]) {
      const { blobs, staleRecords } = parseLook(line(record), tagged(id));
      expect([...blobs]).toEqual([[diff('base'), blob('base')]]);
      expect(staleRecords).toEqual([]);
    }
  });

  test('one whose image is gone, or another, or that cannot be read, is stale', () => {
    const stale = [`${'b'.repeat(64)}.json`];
    for (const [text, images] of [
      [line(record), []],
      [line(record), tagged(sha256('another'))],
      [line({ ...record, version: 2 }), tagged(record.manifest)],
      [`record ${'b'.repeat(64)}.json ???`, tagged(record.manifest)],
    ] as const) {
      const seen = parseLook(text, images);
      expect(seen.blobs.size).toBe(0);
      expect(seen.staleRecords).toEqual(stale);
    }
    // A name that is none of ours is left alone.
    expect(parseLook(line(record, '../x'), []).staleRecords).toEqual([]);
  });

  test('parts and whole blobs that have arrived, and the room that is left', () => {
    const [part, whole] = ['c'.repeat(64), 'd'.repeat(64)];
    const text = `arrived parts/${part} 1024\narrived blobs/sha256/${whole} 7\narrived parts/x 1\nfree 2\n`;
    const seen = parseLook(text, []);
    expect([...seen.arrived]).toEqual([
      [part, { bytes: 1024, whole: false }],
      [whole, { bytes: 7, whole: true }],
    ]);
    expect(seen.freeBytes).toBe(2048);
    expect(parseLook('', []).freeBytes).toBeUndefined();
    const last = `last ${gzipSync('the last archive').toString('base64')}`;
    expect(parseLook(last, []).lastArchive.toString()).toBe('the last archive');
    expect(parseLook('last ???', []).lastArchive.length).toBe(0);
  });
});
