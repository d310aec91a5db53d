import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { checkSite } from '../../../src/cdn/dist/check.ts';
import { type DistFolder, readDist } from '../../../src/cdn/dist/read.ts';
import { readText } from '../../../src/cdn/dist/variants.ts';
import { builtFolder } from '../../support/cdn/dist-fixtures.ts';
import { installedPackages } from '../../support/checks/node-packages.ts';

const packages = installedPackages(
  JSON.stringify({
    private: true,
    dependencies: { vite: '7.3.0', vite4: 'npm:vite@4.5.14', webpack: '5.102.0', esbuild: '0.25.10' },
  }),
);
const modules = join(packages, 'node_modules');
const signal = new AbortController().signal;

const top = mkdtempSync(join(tmpdir(), 'sluice-bundlers-'));
afterAll(() => rmSync(top, { recursive: true, force: true }));

/** Enough for every kind of hash to come up. */
const chunks = Array.from({ length: 40 }, (_, number) => `page${number}`);

/** What the bundlers copy as it is, in places and under names that look like theirs. */
const copied = [
  'assets/hero-portrait.jpg',
  'assets/menu-DropDown.png',
  'assets/bg-1024x768.png',
  'assets/photo-20240101.jpg',
  'assets/jquery-3.7.1.min.js',
  'robots.txt',
  'sw.js',
];

/** A front end with dynamic imports, style sheets, an image and a font; `text` is in everything that is compiled. */
function source(folder: string, text: string): void {
  const put = (path: string, content: string | Uint8Array) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  };
  put(
    'index.html',
    `<!doctype html><html lang="en"><title>${text}</title><div id="app"></div><script type="module" src="/src/main.js"></script></html>`,
  );
  const imports = chunks.map((name) => `import('./${name}.js')`).join();
  put(
    'src/main.js',
    `import './main.css';import logo from './logo.png';console.log(logo, '${text}');window.pages=()=>[${imports}]`,
  );
  for (const name of chunks) put(`src/${name}.js`, `import './${name}.css';export default '${name} ${text}'`);
  for (const name of chunks) put(`src/${name}.css`, `.${name}::before { content: '${text}' }`);
  put('src/main.css', `@font-face { font-family: I; src: url('./inter.woff2') } body { content: '${text}' }`);
  // Above Vite's limit of what it puts into the code.
  put('src/logo.png', Buffer.alloc(10_000, text));
  put('src/inter.woff2', Buffer.alloc(10_000, `font ${text}`));
  for (const path of copied) put(`public/${path}`, text);
  put('package.json', '{"type":"module"}');
  rmSync(join(folder, 'node_modules'), { force: true });
  symlinkSync(modules, join(folder, 'node_modules'));
}

const run = (folder: string, ...args: string[]) =>
  execFileSync(process.execPath, args, {
    cwd: folder,
    stdio: 'pipe',
    env: { ...process.env, NODE_ENV: 'production' },
  });

/** Each writes `dist` as its users have it do. */
const bundlers: Readonly<Record<string, (folder: string) => void>> = {
  'Vite 7': (folder) => run(folder, join(modules, 'vite/bin/vite.js'), 'build'),
  'Vite 4': (folder) => run(folder, join(modules, 'vite4/bin/vite.js'), 'build'),
  webpack(folder) {
    const rules = [
      { test: /\.css$/, type: 'css/auto' },
      {
        test: /\.(png|woff2)$/,
        type: 'asset/resource',
        generator: { filename: 'media/[name].[contenthash][ext]' },
      },
    ].map(({ test, ...rule }) => `{ ...${JSON.stringify(rule)}, test: ${test} }`);
    writeFileSync(
      join(folder, 'build.mjs'),
      `import webpack from 'webpack';
       webpack({ mode: 'production', entry: './src/main.js', module: { rules: [${rules}] }, experiments: { css: true },
         output: { path: process.cwd() + '/dist', filename: 'js/[name].[contenthash:8].js', cssFilename: 'css/[name].[contenthash:8].css' },
       }, (error, stats) => { if (error || stats.hasErrors()) { console.error(error ?? stats.toString()); process.exit(1) } });`,
    );
    run(folder, 'build.mjs');
    execFileSync('cp', ['-r', 'public/.', 'dist'], { cwd: folder });
    writeFileSync(join(folder, 'dist/index.html'), `<!doctype html><title>Books</title><div id=app></div>`);
  },
  esbuild(folder) {
    const names = [
      '--entry-names=[name]-[hash]',
      '--chunk-names=[name]-[hash]',
      '--asset-names=media/[name]-[hash]',
    ];
    const how = [
      '--bundle',
      '--splitting',
      '--format=esm',
      '--minify',
      '--loader:.png=file',
      '--loader:.woff2=file',
    ];
    run(folder, join(modules, 'esbuild/bin/esbuild'), 'src/main.js', '--outdir=dist', ...how, ...names);
    execFileSync('cp', ['-r', 'public/.', 'dist'], { cwd: folder });
    writeFileSync(join(folder, 'dist/index.html'), `<!doctype html><title>Books</title><div id=app></div>`);
  },
};

async function built(name: string, text: string): Promise<DistFolder> {
  const folder = mkdtempSync(join(top, `${name.replaceAll(' ', '-')}-`));
  source(folder, text);
  bundlers[name]?.(folder);
  using unused = builtFolder();
  const settings = unused.settings({ dist: join(folder, 'dist') });
  const site = await readDist(settings, signal);
  expect(await checkSite(site, settings, site.files, readText, signal)).toEqual([]);
  return site;
}

describe.each(Object.keys(bundlers))('what %s builds', (name) => {
  test('is told from what it copies, and never changes under a name that may be kept', async () => {
    const [before, after] = [await built(name, 'one'), await built(name, 'another')];
    const classes = Object.groupBy(after.files, (file) => file.class);
    expect(classes.page?.map(({ path }) => path)).toEqual(['index.html']);
    const own = (classes.file ?? []).map(({ path }) => path).filter((path) => !copied.includes(path));
    const assets = (classes.asset ?? []).map(({ path }) => path);
    // Some hashes look like words. Those are asked for each time: slower, never wrong.
    expect(assets.length).toBeGreaterThan(chunks.length);
    expect(own.length / (assets.length + own.length)).toBeLessThan(0.15);
    expect(assets.filter((path) => copied.includes(path))).toEqual([]);
    const old = new Map(before.files.map((file) => [file.path, file.sha256]));
    const changed = (classes.asset ?? []).filter(
      ({ path, sha256 }) => old.has(path) && old.get(path) !== sha256,
    );
    expect(changed).toEqual([]);
    expect(assets.filter((path) => old.has(path)).length).toBeLessThan(assets.length);
  });
});
