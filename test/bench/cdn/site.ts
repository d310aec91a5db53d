import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * A built front end with content that is the same on every machine: 70% hashed assets as Vite names them, 20% pages, each
 * naming its assets, 10% other files; sizes spread as on real sites, 10 KiB on average.
 */
export interface SiteFile {
  readonly path: string;
  readonly bytes: Buffer;
}

/** 0: the site; 1: the same after a change of 1% of its files. */
export type Revision = 0 | 1;

const meanSize = 10 * 1024;
const assetKinds = ['js', 'js', 'js', 'js', 'js', 'js', 'css', 'css', 'svg', 'woff2'];

/** Every file of a revision, made as it is asked for. */
function* siteFiles(count: number, revision: Revision): Generator<SiteFile> {
  const pages = Math.round(count * 0.2);
  const others = Math.round(count * 0.1);
  const assets = count - pages - others;
  for (let page = 0; page < pages; page++) {
    const changed = revision === 1 && (page % 200 === 0 || page % 200 === 101);
    const first = Math.floor((page * assets) / pages);
    const after = Math.floor(((page + 1) * assets) / pages);
    const own = Array.from({ length: after - first }, (_, index) => assetFile(first + index, changed));
    yield* own;
    yield pageFile(page, own);
  }
  for (let other = 0; other < others; other++) yield otherFile(other, revision === 1 && other % 100 === 0);
}

/** The folder anew, as a checkout and a build leave it: every file has just been written. */
export function writeSite(folder: string, count: number, revision: Revision): void {
  rmSync(folder, { recursive: true, force: true });
  const made = new Set<string>();
  for (const { path, bytes } of siteFiles(count, revision)) {
    const file = join(folder, path);
    const parent = dirname(file);
    if (!made.has(parent)) mkdirSync(parent, { recursive: true });
    made.add(parent);
    writeFileSync(file, bytes);
  }
}

/** A changed asset is another file: its name has the hash of what is in it. */
function assetFile(index: number, changed: boolean): SiteFile {
  const kind = assetKinds[index % assetKinds.length] ?? 'js';
  const name = `chunk${index}`;
  const bytes = content(`/*! ${name} ${changed ? 'new' : 'old'} */\n`, name);
  return { path: `assets/${name}-${hashOf(bytes)}.${kind}`, bytes };
}

/** Its edit is the hash in the names of its assets: as long as before, which a comparison of sizes misses. */
function pageFile(index: number, assets: readonly SiteFile[]): SiteFile {
  const path =
    index === 0
      ? 'index.html'
      : index % 2 === 0
        ? `blog/${2015 + (index % 11)}/${month(index)}/post-${index}/index.html`
        : `docs/guide-${index % 40}/page-${index}.html`;
  const names = assets.map(({ path: asset }) => asset);
  const head = names.map((name) =>
    name.endsWith('.css')
      ? `<link rel="stylesheet" href="/${name}">`
      : name.endsWith('.js')
        ? `<script type="module" src="/${name}"></script>`
        : `<link rel="preload" href="/${name}">`,
  );
  const top = `<!doctype html>\n<html lang="en"><head><title>Page ${index}</title>\n${head.join('\n')}\n</head><body><p>\n`;
  return { path, bytes: content(top, path, '\n</p></body></html>\n') };
}

/** Every second edit leaves the size as it was. */
function otherFile(index: number, changed: boolean): SiteFile {
  const path =
    index === 0
      ? 'robots.txt'
      : index === 1
        ? 'favicon.ico'
        : index % 2 === 0
          ? `images/${2015 + (index % 11)}/photo-${index}.jpg`
          : `data/items/${index % 50}/item-${index}.json`;
  const state = changed ? 'new' : 'old';
  return { path, bytes: content(`${path} ${state}\n`, path, changed && index % 200 === 0 ? 'longer\n' : '') };
}

function month(index: number): string {
  return String(1 + (index % 12)).padStart(2, '0');
}

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('base64url').slice(0, 8);
}

/** Text with the given beginning and end; its size and its middle follow from `name` alone. */
function content(top: string, name: string, end = ''): Buffer {
  const random = randoms(createHash('sha256').update(name).digest().readUInt32LE(0));
  // Log-normal with sigma 1, by Box and Muller: many small files, few large ones.
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const size = Math.min(Math.round(meanSize * Math.exp(normal - 0.5)), pool.length / 2);
  const from = Math.floor(random() * (pool.length / 2));
  return Buffer.concat([Buffer.from(top), pool.subarray(from, from + size), Buffer.from(end)]);
}

/** Mulberry32: a small generator whose numbers are the same everywhere. */
function randoms(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const pool = (() => {
  const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 \n';
  const random = randoms(7);
  const bytes = Buffer.alloc(2 ** 20);
  for (let at = 0; at < bytes.length; at++)
    bytes[at] = letters.charCodeAt(Math.floor(random() * letters.length));
  return bytes;
})();
