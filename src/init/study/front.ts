import { posix } from 'node:path';
import { folderOf, nameOf, type Tree } from './tree.ts';

/** A front end whose build leaves files that any store can serve. */
export interface FrontGuess {
  /** Folder of its package.json; empty for the repository root. */
  readonly folder: string;
  /** Output folder of its build, from the repository's folder. */
  readonly dist: string;
  /** The command that installs its packages and builds it, in its folder. */
  readonly build: string;
  readonly tool: string;
}

/** Build tools of sites, with their default output folders. */
const builders: readonly (readonly [tool: string, dist: string])[] = [
  ['astro', 'dist'],
  ['gatsby', 'public'],
  ['@docusaurus/core', 'build'],
  ['@11ty/eleventy', '_site'],
  ['react-scripts', 'build'],
  ['@vue/cli-service', 'dist'],
  ['parcel', 'dist'],
  // Last: most of the others have it, too.
  ['vite', 'dist'],
];

/** Frameworks that render on a server: by default they write no static site. */
const onServers =
  /^(?:next|nuxt|@sveltejs\/kit|@remix-run\/.*|@react-router\/dev|@solidjs\/start|@tanstack\/.*start|@angular\/ssr|@astrojs\/(?:node|vercel|netlify|cloudflare))$/;

/**
 * The front end of a repository; undefined if there is none, or if the user has to choose one of several.
 *
 * @param dist `cdn.dist` of the existing sluice.yml, which chooses between several.
 */
export async function findFront(tree: Tree, dist?: string): Promise<FrontGuess | undefined> {
  const manifests = tree.files.filter((path) => nameOf(path) === 'package.json');
  const found: FrontGuess[] = [];
  for (const path of manifests) {
    const front = readFront(tree, folderOf(path), await tree.read(path));
    if (front !== undefined) found.push(front);
  }
  const [only] = found.length === 1 ? found : [];
  return found.find((front) => dist !== undefined && posix.join(dist, '.') === front.dist) ?? only;
}

function readFront(tree: Tree, folder: string, text: string | undefined): FrontGuess | undefined {
  const manifest = parse(text);
  if (typeof manifest?.scripts?.['build'] !== 'string') return undefined;
  const packages = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
  const builder = builders.find(([tool]) => packages.includes(tool));
  if (builder === undefined || packages.some((name) => onServers.test(name))) return undefined;
  const [tool, dist] = builder;
  const inFolder = (name: string) => (folder === '' ? name : `${folder}/${name}`);
  // Without a page Vite builds a library.
  if (tool === 'vite' && !tree.files.includes(inFolder('index.html'))) return undefined;
  return { folder, tool, dist: inFolder(dist), build: buildCommand(tree, folder) };
}

interface PackageFile {
  readonly scripts?: Readonly<Record<string, unknown>>;
  readonly dependencies?: object;
  readonly devDependencies?: object;
}

function parse(text: string | undefined): PackageFile | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** By the lock file of the folder, or of the workspace that it belongs to. */
function buildCommand(tree: Tree, folder: string): string {
  const above = folder.split('/').map((_, index, parts) => parts.slice(0, parts.length - index).join('/'));
  for (const place of [...new Set([...above, ''])]) {
    const has = (name: string) => tree.files.includes(place === '' ? name : `${place}/${name}`);
    if (has('package-lock.json')) return 'npm ci && npm run build';
    if (has('pnpm-lock.yaml')) return 'corepack enable && pnpm install --frozen-lockfile && pnpm run build';
    if (has('yarn.lock')) {
      const modern = has('.yarnrc.yml');
      return modern
        ? 'corepack enable && yarn install --immutable && yarn run build'
        : 'yarn install --frozen-lockfile && yarn run build';
    }
  }
  return 'npm install && npm run build';
}
