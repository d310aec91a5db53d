import { describe, expect, test } from 'vitest';
import { ownFindings } from '../../../support/checks/own.ts';
import { memoryRepo } from '../../../support/checks/repo.ts';

type Texts = Readonly<Record<string, string>>;

async function said(texts: Texts): Promise<string[]> {
  const found = await ownFindings(memoryRepo(texts));
  return found
    .filter(({ rule }) => rule === 'dockerfile/copy-from-missing')
    .map(({ level, message }) => `${level}: ${message}`);
}

/** A front end whose build runs in /app/web, from `web/` of the repository. */
function front(build: string, path: string, more: Texts = {}, run = 'npm run build'): Texts {
  return {
    'web/package.json': JSON.stringify({ scripts: { build } }),
    'web/package-lock.json': '{}',
    'web/src/main.ts': '',
    ...Object.fromEntries(Object.entries(more).map(([name, text]) => [`web/${name}`, text])),
    Dockerfile: `FROM node:24-slim AS front
WORKDIR /app/web
COPY web/package*.json ./
RUN npm ci
COPY web/ .
RUN ${run}
FROM nginx:1.29
COPY --from=front ${path} /srv
`,
  };
}

const vite = 'vite build';
const configs: readonly (readonly [string, string, string, Texts])[] = [
  [
    'Vite, a folder beside',
    vite,
    '/app/backend/static',
    { 'vite.config.ts': 'export default { build: { outDir: "../backend/static" } }' },
  ],
  [
    'Vite, resolved',
    vite,
    '/app/public/app',
    {
      'vite.config.js':
        'export default { build: { emptyOutDir: true, outDir: path.resolve(__dirname, "../public/app") } }',
    },
  ],
  [
    'Vite, a URL',
    vite,
    '/app/api/www',
    {
      'vite.config.mjs':
        'export default { build: { outDir: fileURLToPath(new URL("../api/www", import.meta.url)) } }',
    },
  ],
  [
    'Vite, computed',
    vite,
    '/srv2/www',
    { 'vite.config.ts': 'export default { build: { outDir: process.env.OUT } }' },
  ],
  [
    'Vite, another root',
    vite,
    '/app/web/client/dist',
    { 'vite.config.ts': 'export default { root: "client" }' },
  ],
  [
    'Vite, a shorthand',
    vite,
    '/srv2/www',
    { 'vite.config.ts': 'const outDir = go(); export default { build: { outDir } }' },
  ],
  ['Vite, merged', vite, '/srv2/www', { 'vite.config.ts': 'export default mergeConfig(base, {})' }],
  [
    'Vite, Laravel’s plugin',
    vite,
    '/app/web/public/build',
    { 'vite.config.js': 'export default { plugins: [laravel({ input: "a.js" })] }' },
  ],
  ['Vite, its flag in the script', 'vite build --outDir ../static', '/app/static', {}],
  ['Vite, another file', 'vite build --config vite.prod.ts', '/srv2/www', {}],
  ['SvelteKit', vite, '/app/web/build', { 'vite.config.ts': 'export default { plugins: [sveltekit()] }' }],
  [
    'webpack',
    'webpack --mode production',
    '/app/server/assets',
    {
      'webpack.config.js': 'module.exports = { output: { path: path.join(__dirname, "../server/assets") } }',
    },
  ],
  [
    'webpack, from another file',
    'webpack',
    '/srv2/www',
    { 'webpack.config.js': 'module.exports = require("./config/prod")' },
  ],
  [
    'Angular',
    'ng build',
    '/app/api/static',
    {
      'angular.json': '{"projects":{"a":{"architect":{"build":{"options":{"outputPath":"../api/static"}}}}}}',
    },
  ],
  [
    'Angular, base and browser',
    'ng build',
    '/app/out/app/browser',
    { 'angular.json': '{"outputPath":{"base":"../out/app","browser":"browser"},"browser":"src/main.ts"}' },
  ],
  [
    'Next, distDir',
    'next build',
    '/app/web/build/standalone',
    { 'next.config.js': 'module.exports = { distDir: "build", output: "standalone" }' },
  ],
  [
    'Next, an export',
    'next build',
    '/app/web/out',
    { 'next.config.mjs': 'export default { output: "export" }' },
  ],
  [
    'Astro',
    'astro build',
    '/app/www',
    { 'astro.config.mjs': 'export default defineConfig({ outDir: "../www" })' },
  ],
  ['Nuxt', 'nuxt build', '/app/web/.output', {}],
  [
    'Vue',
    'vue-cli-service build',
    '/app/server/public',
    { 'vue.config.js': 'module.exports = { outputDir: "../server/public" }' },
  ],
  ['Parcel', 'parcel build index.html --dist-dir ../static', '/app/static', {}],
  ['Create React App, a variable', 'BUILD_PATH=../static react-scripts build', '/app/static', {}],
  ['Create React App, cross-env', 'cross-env BUILD_PATH=../static react-scripts build', '/app/static', {}],
  [
    'Create React App, an env file',
    'react-scripts build',
    '/app/static',
    { '.env.production': 'BUILD_PATH=../static\n' },
  ],
  [
    'tsc',
    'tsc',
    '/app/lib',
    { 'tsconfig.json': '{ "compilerOptions": { "outDir": "../lib" }, "include": ["src/**/*"] }' },
  ],
  ['tsc, beside the sources', 'tsc', '/app/web/index.js', { 'tsconfig.json': '{}', 'index.ts': '' }],
  ['a tool that nobody knows', 'make-it-so', '/srv2/www', {}],
  ['a step behind the build', 'vite build && node move.js', '/srv2/www', {}],
  [
    'a script behind the script',
    'vite build',
    '/srv2/www',
    { 'package.json': '{"scripts":{"build":"vite build","postbuild":"node move.js"}}' },
  ],
  [
    'an install with a script of its own',
    'vite build',
    '/srv2/www',
    { 'package.json': '{"scripts":{"build":"vite build","postinstall":"node make.js"}}' },
  ],
];

describe('the output of a front end is where its configuration says, or unknown', () => {
  test.each(configs)('%s', async (_, build, path, more) => {
    expect(await said(front(build, path, more))).toEqual([]);
  });

  test.each([
    ['npm run build -- --outDir ../static', '/app/static'],
    ['npx vite build --outDir=../static', '/app/static'],
    ['cd .. && npm --prefix web run build', '/srv2/www'],
    ['npm run build && mv dist ../site', '/app/site'],
    ['npm run build && cp -r dist /srv2/www', '/srv2/www'],
    ['(cd /app/web && npm run build)', '/app/web/dist'],
    ['NODE_ENV=production npm run build', '/app/web/dist'],
    ['yarn build', '/app/web/dist'],
    ['pnpm build', '/app/web/dist'],
    ['bun run build', '/app/web/dist'],
    ['node build.js', '/srv2/www'],
  ])('%s makes %s', async (run, path) => {
    expect(await said(front(vite, path, {}, run))).toEqual([]);
  });
});

describe('the alarm', () => {
  const makes = (made: string, tool: string, path: string) => [
    `fail: The stage front creates ${made} (${tool}), not ${path}.`,
  ];

  test.each([
    [vite, '/app/web/build', {}, makes('/app/web/dist', 'vite', '/app/web/build')],
    [vite, '/app/dist', {}, makes('/app/web/dist', 'vite', '/app/dist')],
    [
      vite,
      '/app/web/dist',
      { 'vite.config.ts': 'export default { build: { outDir: "../static" } }' },
      makes('/app/static', 'vite', '/app/web/dist'),
    ],
    [
      'vue-tsc -b && vite build',
      '/app/web/build',
      { 'tsconfig.json': '{ "compilerOptions": { "noEmit": true } }' },
      makes('/app/web/dist', 'vite', '/app/web/build'),
    ],
    ['react-scripts build', '/app/web/dist', {}, makes('/app/web/build', 'react-scripts', '/app/web/dist')],
    [
      'ng build',
      '/app/web/build',
      { 'angular.json': '{"outputPath":"dist/app"}' },
      makes('/app/web/dist/app', 'ng', '/app/web/build'),
    ],
    ['next build', '/app/web/dist', {}, makes('/app/web/.next', 'next', '/app/web/dist')],
    ['nuxt build', '/app/web/build', {}, makes('/app/web/.output', 'nuxt', '/app/web/build')],
    [vite, '/code/dist', {}, makes('/app/web/dist', 'vite', '/code/dist')],
    [vite, 'dist', {}, makes('/app/web/dist', 'vite', '/dist')],
    [vite, '/bundle', {}, ['fail: The stage front does not create /bundle.']],
  ] as const)('%s, and %s is copied', async (build, path, more, expected) => {
    expect(await said(front(build, path, more))).toEqual(expected);
  });

  test('a path from the WORKDIR is a note where the build is not understood', async () => {
    expect(await said(front('make-it-so', 'target/app.js'))).toEqual([
      'note: The stage front does not seem to create /target/app.js. Paths of COPY --from are relative to the root, not to its WORKDIR /app/web.',
    ]);
    expect(await said(front('make-it-so', 'app/web/target'))).toEqual([]);
  });
});

describe('other languages', () => {
  const stage = (from: string, lines: string, path: string) => ({
    'go.mod': '',
    'main.go': '',
    Dockerfile: `FROM ${from} AS tool\nWORKDIR /src\nCOPY go.mod main.go ./\n${lines}\nFROM debian:13-slim\nCOPY --from=tool ${path} /x\n`,
  });

  test.each([
    ['golang:1.25', 'ENV GOBIN=/out\nRUN go install example.com/tool@v1.0.0', '/out/tool'],
    ['golang:1.25', 'RUN GOBIN=/out go install example.com/tool@v1', '/out/tool'],
    ['golang:1.25', 'RUN export GOBIN=/out && go install ./...', '/out/tool'],
    ['golang:1.25', 'ENV GOPATH=/gp\nRUN go install example.com/tool@v1', '/gp/bin/tool'],
    ['golang:1.25', 'ARG OUT=/out\nRUN go build -o $OUT/tool .', '/out/tool'],
    ['golang:1.25', 'RUN go build -o ../bin/tool .', '/bin2/../bin/tool'],
    ['golang:1.25', 'RUN go build .', '/src/app'],
    ['rust:1', 'RUN cargo install --root /out ripgrep', '/out/bin/rg'],
    ['rust:1', 'ENV CARGO_TARGET_DIR=/cache\nRUN cargo build --release', '/cache/release/app'],
    ['python:3.13', 'RUN pip install --target=/deps -r requirements.txt', '/deps'],
    ['python:3.13', 'RUN pip install --prefix ../pkg -r requirements.txt', '/pkg'],
    ['python:3.13', 'ENV UV_PROJECT_ENVIRONMENT=/venv\nRUN uv sync --frozen', '/venv'],
    ['debian:13', 'RUN make install DESTDIR=/staging', '/staging/usr/bin/x'],
    ['debian:13', 'RUN ./configure && make', '/out/x'],
    ['maven:3', 'RUN mvn -q package', '/src/target/app.jar'],
  ])('%s: %s brings %s', async (from, lines, path) => {
    expect(await said(stage(from, lines, path))).toEqual([]);
  });

  test.each([
    ['golang:1.25', 'RUN go build -o /out/tool .', '/app/tool'],
    ['golang:1.25', 'ENV GOBIN=/out\nRUN go install example.com/tool@v1', '/app/tool'],
    ['python:3.13', 'RUN pip install --target=/deps -r requirements.txt', '/packages'],
    ['rust:1', 'RUN cargo build --release', '/app/target/release/app'],
  ])('%s: %s does not bring %s', async (from, lines, path) => {
    expect(await said(stage(from, lines, path))).toEqual([`fail: The stage tool does not create ${path}.`]);
  });
});
