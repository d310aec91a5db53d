import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { minify } from 'terser';
import { actionFiles } from './action-files.ts';
import { type BundledModule, licenseTexts } from './licenses.ts';

/*
 * Bundles the actions and the command line tool into dist/: one bundle for all of them in dist/bundle (an entry, a chunk
 * for each command and action that is loaded when it runs, the files of the edge, the licenses of all packages in it),
 * and beside it a stub of two lines for each that the runner or bin/sluice starts. The same sources give the same
 * bytes, wherever the checkout lies.
 *
 *   node scripts/build.ts [--out dist] [--work build/bundle] [--add FILE]
 *
 * --add bundles another entry (beside src/cli/main.ts), without stubs: for the tests.
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
 * Modules that packages load and never use here, with the small replacement of each. dockerode has gRPC and protobuf for image builds
 * in a BuildKit session, which buildx does for us. @actions/core and @actions/github each have an HTTP client with its own
 * undici, for OIDC tokens and for GitHub's API; Node's own fetch, which is undici too, asks the API. Together they
 * would be three quarters of the bundle, and most of the time that an action takes to start.
 */
const standIns: readonly {
  readonly file: string;
  readonly packages: readonly string[];
  readonly text: string;
}[] = [
  {
    file: 'no-grpc.js',
    packages: ['@grpc/grpc-js', '@grpc/proto-loader', 'protobufjs'],
    text: "// Stands for gRPC and protobuf, which dockerode needs for image builds only; docker buildx does those.\n'use strict';\n",
  },
  {
    file: 'node-fetch.js',
    packages: ['@actions/http-client', '@actions/http-client/lib/auth', 'undici'],
    text: `// Stands for the HTTP clients of @actions/core and @actions/github: Node's own fetch.
'use strict';
exports.fetch = globalThis.fetch;
exports.HttpClient = class {
  getAgent() {}
  getAgentDispatcher() {}
};
`,
  },
  {
    file: 'smithy-core.js',
    packages: ['@smithy/core/serde', '@smithy/core/client', '@smithy/core/protocols'],
    text: `// Stands for @smithy/core, which is ten times as large as the signatures that need these few functions of it.
'use strict';
const bytes = (data) =>
  ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
exports.hasOwn = Object.hasOwn;
exports.fromUtf8 = (text) => bytes(Buffer.from(text, 'utf8'));
exports.fromHex = (text) => bytes(Buffer.from(text, 'hex'));
exports.toHex = (data) => Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex');
exports.toUint8Array = (data) => (typeof data === 'string' ? exports.fromUtf8(data) : bytes(data));
exports.isArrayBuffer = (data) => data instanceof ArrayBuffer;
exports.writeKey = (object) =>
  Object.defineProperty(object, '__proto__', { value: undefined, writable: true, enumerable: true, configurable: true });
exports.normalizeProvider = (input) => (typeof input === 'function' ? input : async () => input);
exports.escapeUri = (text) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => '%' + char.charCodeAt(0).toString(16).toUpperCase());
exports.HttpRequest = {
  clone: (request) => ({ ...request, headers: { ...request.headers }, query: { ...request.query } }),
};
`,
  },
];

/** ssh2's helper for Windows, gRPC's schemas, and what was compiled for one platform: the bundle runs everywhere. */
const unwanted = /\.(?:exe|proto|node)$/;

/** Makes JavaScript of the sources in `js/` of the work folder, which must be in the checkout to find packages. */
function compile(work: string): void {
  rmSync(work, { recursive: true, force: true });
  mkdirSync(join(work, 'js'), { recursive: true });
  const config = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {
      ...{ noEmit: false, noEmitOnError: true, outDir: 'js', rootDir: join(root, 'src') },
      // Names stay readable, for the stacks of bug reports; what explains the code is in the sources.
      removeComments: true,
    },
    include: [join(root, 'src')],
    exclude: [],
  };
  writeFileSync(join(work, 'tsconfig.json'), JSON.stringify(config));
  const tsc = join(root, 'node_modules', '.bin', 'tsc');
  const { status, error } = spawnSync(tsc, ['-p', work], { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) throw new Error('tsc found errors', { cause: error });
  // ncc writes CommonJS when the package has no "type"; it reads ESM sources anyway.
  writeFileSync(join(work, 'js', 'package.json'), '{}\n');
  // The sources find the edge's files at ../../../edge from src/deploy/traffic; the JavaScript lies as deep.
  cpSync(join(root, 'edge'), join(work, 'edge'), { recursive: true });
}

/**
 * The entry points that the stubs call. The command line runs when it is imported. The stub of an action passes its name,
 * and whether the job begins or ends.
 */
const entry = `
export const cli = () => import('./cli/main.js');
export const action = async (name, phase) => (await import('./actions/main.js')).startAction(name, phase);
`;

/** Started by bin/sluice and by \`runs.main\` and \`runs.post\` of every action.yml. */
function stubs(): Map<string, string> {
  const stub = (call: string) => `'use strict';\nrequire('./bundle').${call};\n`;
  const phases = actionFiles(root).flatMap(({ name, runs }) => [
    [`${name}.js`, stub(`action('${name}', 'main')`)] as const,
    ...(runs.post === undefined ? [] : [[`${name}-post.js`, stub(`action('${name}', 'post')`)] as const]),
  ]);
  return new Map([
    ['cli.js', stub('cli()')],
    ...phases,
    // The package is ESM; what the stubs are is said here.
    ['package.json', '{ "type": "commonjs" }\n'],
  ]);
}

/** Bundles one entry of the work folder; the files by name. */
async function bundle(work: string, entry: string): Promise<Map<string, string | Buffer>> {
  // webpack numbers modules and chunks by their paths from here.
  process.chdir(root);
  const ncc = createRequire(import.meta.url)('@vercel/ncc') as Ncc;
  const { code, assets, stats } = await ncc(join(work, 'js', entry), {
    ...{ cache: false, sourceMap: false, quiet: true },
    externals: Object.fromEntries(
      standIns.flatMap(({ file, packages }) => packages.map((name) => [name, `./${file}`])),
    ),
    // Else ncc bundles every file of the checkout whose name the sources join to a path, such as sluice.yml.
    filterAssetBase: work,
  });
  const { modules } = stats.toJson({
    all: false,
    modules: true,
    nestedModules: true,
    modulesSpace: 1e9,
    nestedModulesSpace: 1e9,
  });
  const files: [string, string | Buffer][] = [['index.js', await compact(code)]];
  for (const [name, { source }] of Object.entries(assets)) {
    if (unwanted.test(name)) continue;
    files.push([name, name.endsWith('.js') ? await compact(String(source)) : source]);
  }
  const withShebang = scriptsByRest(join(root, 'edge'));
  return new Map<string, string | Buffer>([
    ['package.json', '{ "type": "commonjs" }\n'],
    ['LICENSES.txt', licenseTexts(modules)],
    ...standIns.map(({ file, text }) => [file, text] as const),
    ...files.map(([name, text]) => [name, withShebang.get(String(text)) ?? text] as const),
  ]);
}

/**
 * Without comments and indentation, which are a third of it, and with short names for what is
 * local to a function. Names of functions and classes stay, and lines, for the stacks of bug reports.
 */
async function compact(code: string): Promise<string> {
  const { code: compacted } = await minify(code, {
    compress: false,
    mangle: { keep_fnames: true, keep_classnames: true },
    format: { comments: false, max_line_len: 160, semicolons: false },
  });
  return `${compacted ?? code}\n`;
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
    out: { type: 'string', default: join(root, 'dist') },
    work: { type: 'string', default: join(root, 'build', 'bundle') },
    add: { type: 'string' },
  },
});
const [out, work] = [resolve(values.out), resolve(values.work)];
compile(work);
if (values.add === undefined) writeFileSync(join(work, 'js', 'entry.js'), entry);
else cpSync(values.add, join(work, 'js', 'entry.js'));
const bundled = [...(await bundle(work, 'entry.js'))].map(
  ([name, content]) => [join('bundle', name), content] as const,
);
const files = new Map([...bundled, ...(values.add === undefined ? stubs() : [])]);
replaceFolder(out, files);
const bytes = [...files.values()].reduce((sum, content) => sum + Buffer.byteLength(content), 0);
console.log(`${values.out}: ${files.size} files, ${(bytes / 1e6).toFixed(2)} MB`);
