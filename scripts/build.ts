import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type BundledModule, licenceTexts } from './licences.ts';

/*
 * Bundles the command line tool into dist/cli: an entry, a chunk for each command that is loaded when it runs, the
 * files of the edge, and the licences of all that is in it. The same sources give the same bytes, wherever the
 * checkout lies.
 *
 *   node scripts/build.ts [--out dist/cli] [--work build/cli] [--add FILE]
 *
 * --add bundles another entry (beside src/cli/main.ts) in the place of the command line tool: for the tests.
 */

const root = resolve(import.meta.dirname, '..');

/** ncc's function, as far as it is used here; it comes without types. */
type Ncc = (entry: string, options: Readonly<Record<string, unknown>>) => Promise<Bundle>;

interface Bundle {
  readonly code: string;
  readonly assets: Readonly<Record<string, { readonly source: string | Buffer }>>;
  readonly stats: { toJson(options: object): { readonly modules: readonly BundledModule[] } };
}

/**
 * dockerode loads gRPC for image builds in a BuildKit session, which buildx does for us: a quarter of the bundle, and
 * most of the time that loading dockerode takes.
 */
const noGrpc = {
  file: 'no-grpc.js',
  text: "// Stands for gRPC, which dockerode needs for image builds only; docker buildx does those.\n'use strict';\n",
  externals: { '@grpc/grpc-js': './no-grpc.js', '@grpc/proto-loader': './no-grpc.js' },
};

/** ssh2's helper for Windows, gRPC's schemas, and what was compiled for one platform: the bundle runs everywhere. */
const unwanted = /\.(?:exe|proto|node)$/;

/** Makes JavaScript of the sources in `js/` of the work folder, which must lie in the checkout to find packages. */
function compile(work: string): void {
  rmSync(work, { recursive: true, force: true });
  mkdirSync(join(work, 'js'), { recursive: true });
  const config = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: { noEmit: false, noEmitOnError: true, outDir: 'js', rootDir: join(root, 'src') },
    include: [join(root, 'src')],
    exclude: [],
  };
  writeFileSync(join(work, 'tsconfig.json'), JSON.stringify(config));
  const tsc = join(root, 'node_modules', '.bin', 'tsc');
  const { status, error } = spawnSync(tsc, ['-p', work], { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) throw new Error('tsc found errors', { cause: error });
  // ncc writes CommonJS when the package has no "type"; ESM sources are fine all the same.
  writeFileSync(join(work, 'js', 'package.json'), '{}\n');
  // The sources find the edge's files at ../../../edge from src/deploy/edge; the JavaScript lies as deep.
  cpSync(join(root, 'edge'), join(work, 'edge'), { recursive: true });
}

/** Bundles one entry of the work folder; the files by name. */
async function bundle(work: string, entry: string): Promise<Map<string, string | Buffer>> {
  // webpack numbers modules and chunks by their paths from here.
  process.chdir(root);
  const ncc = createRequire(import.meta.url)('@vercel/ncc') as Ncc;
  const { code, assets, stats } = await ncc(join(work, 'js', entry), {
    ...{ cache: false, sourceMap: false, quiet: true },
    externals: noGrpc.externals,
    filterAssetBase: root,
  });
  const { modules } = stats.toJson({
    all: false,
    modules: true,
    nestedModules: true,
    modulesSpace: 1e9,
    nestedModulesSpace: 1e9,
  });
  const withShebang = scriptsByRest(join(root, 'edge'));
  return new Map<string, string | Buffer>([
    ['index.js', code],
    ['package.json', '{ "type": "commonjs" }\n'],
    ['LICENSES.txt', licenceTexts(modules)],
    [noGrpc.file, noGrpc.text],
    ...Object.entries(assets)
      .filter(([name]) => !unwanted.test(name))
      .map(([name, { source }]) => [name, withShebang.get(String(source)) ?? source] as const),
  ]);
}

/** ncc takes `#!/bin/sh` away from every file, not only from JavaScript: the whole scripts, by what it leaves. */
function scriptsByRest(folder: string): Map<string, string> {
  const texts = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
  return new Map(
    texts.filter((text) => text.startsWith('#!')).map((text) => [text.replace(/^#!.*\n/, ''), text]),
  );
}

function replaceFolder(out: string, files: ReadonlyMap<string, string | Buffer>): void {
  const fresh = `${out}.new`;
  rmSync(fresh, { recursive: true, force: true });
  for (const [name, content] of files) {
    mkdirSync(dirname(join(fresh, name)), { recursive: true });
    writeFileSync(join(fresh, name), content);
  }
  rmSync(out, { recursive: true, force: true });
  renameSync(fresh, out);
}

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: join(root, 'dist', 'cli') },
    work: { type: 'string', default: join(root, 'build', 'cli') },
    add: { type: 'string' },
  },
});
const [out, work] = [resolve(values.out), resolve(values.work)];
compile(work);
if (values.add !== undefined) cpSync(values.add, join(work, 'js', 'added.js'));
const files = await bundle(work, values.add === undefined ? 'cli/main.js' : 'added.js');
replaceFolder(out, files);
const bytes = [...files.values()].reduce((sum, content) => sum + Buffer.byteLength(content), 0);
console.log(`${values.out}: ${files.size} files, ${(bytes / 1e6).toFixed(2)} MB`);
