import { folderOf, nameOf } from '../study/tree.ts';
import type { Sources } from './model.ts';

/** The package.json that a folder belongs to, and whether the image keeps what it lists. */
export interface Packages {
  readonly at: string;
  readonly scripts: Readonly<Record<string, string>>;
  /** A package of `dependencies` or `devDependencies`, here or in a package.json above. */
  has(name: string): boolean;
  /** The reason that the image does not contain a package's program; undefined: it does. */
  lack(name: string): string | undefined;
  /** `npx prisma`, `yarn prisma`, `bunx prisma`. */
  program(line: string): string;
  /** `npm run migrate` */
  run(script: string): string;
}

interface Manifest {
  readonly scripts?: Readonly<Record<string, unknown>>;
  readonly dependencies?: object;
  readonly optionalDependencies?: object;
  readonly devDependencies?: object;
}

/** Commands that install without devDependencies or remove them. */
const prunes =
  /\bnpm\s+(?:ci|clean-install|install|i)\b[^\n&|;]{0,300}(?:--omit[= ]dev|--only[= ]prod(?:uction)?|--production)\b|\bnpm\s+prune\b[^\n&|;]{0,300}(?:--omit[= ]dev|--production)|\bpnpm\b[^\n&|;]{0,300}\s(?:-P|--prod(?:uction)?)\b|\byarn\b[^\n&|;]{0,300}--production\b|\bbun\s+(?:install|i)\b[^\n&|;]{0,300}(?:--production|-p)\b/;
const installs =
  /\b(?:npm\s+(?:ci|clean-install|install|i)|yarn(?:\s+install)?|pnpm\s+(?:install|i)|bun\s+(?:install|i))\b/;
/** Outputs that a bundler traced: they have a smaller node_modules. */
const traced = /\.next\/standalone|\.output(?:\/|$)/;

export async function packagesAt(sources: Sources, folder: string): Promise<Packages | undefined> {
  const { tree, files } = sources;
  const chain: { at: string; manifest: Manifest }[] = [];
  for (
    let place: string | undefined = folder;
    place !== undefined;
    place = place === '' ? undefined : folderOf(place)
  ) {
    const at: string = place === '' ? 'package.json' : `${place}/package.json`;
    const manifest = files.includes(at) ? parseManifest(await tree.read(at)) : undefined;
    if (manifest !== undefined) chain.push({ at, manifest });
  }
  const [nearest] = chain;
  if (nearest === undefined) return undefined;
  const all = chain.map(({ manifest }) => manifest);
  const isListed = (name: string) =>
    all.some(({ dependencies, optionalDependencies }) =>
      Object.hasOwn({ ...dependencies, ...optionalDependencies }, name),
    );
  const isDev = (name: string) =>
    all.some(({ devDependencies = {} }) => Object.hasOwn(devDependencies, name));
  const scripts = Object.entries(nearest.manifest.scripts ?? {}).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  const runner = await runnerOf(sources);
  return {
    at: nearest.at,
    scripts: Object.fromEntries(scripts),
    has: (name) => isListed(name) || isDev(name),
    lack: (name) => lackOf(name, isListed(name), isDev(name), nearest.at, sources),
    program: (line) => `${runner.program} ${line}`,
    run: (script) => `${runner.run} ${script}`,
  };
}

function lackOf(
  name: string,
  isListed: boolean,
  isDev: boolean,
  at: string,
  { packageRuns, runs, copied, copiedTo }: Sources,
): string | undefined {
  const texts = packageRuns.map(({ text }) => text);
  const byName = new RegExp(
    `(?:npm|yarn|pnpm|bun)\\s+(?:\\S+\\s+)*?(?:add|install|i|global add)\\s[^\\n&|;]*(?<![\\w@/-])${name}(?:@|\\s|$)`,
  );
  if (texts.some((text) => byName.test(text))) return undefined;
  const bin = new RegExp(`node_modules/(?:\\.bin/)?${name}(?:/|$)`);
  if (copied.some((source) => bin.test(source)) || copiedTo.some((target) => bin.test(target)))
    return undefined;
  const isTraced =
    copied.some((source) => traced.test(source)) && !copied.some((source) => /node_modules\/?$/.test(source));
  if (isTraced)
    return `The image contains only files that the bundler traced, without ${name}: install ${name} in the final stage.`;
  if (!isListed && !isDev) return `${at} does not list ${name}, so the image does not contain it.`;
  if (isListed) return undefined;
  const isPruned =
    texts.some((text) => prunes.test(text)) ||
    // npm, pnpm and Yarn 1 skip devDependencies if NODE_ENV is production.
    packageRuns.some(
      ({ text, variables }) =>
        installs.test(text) &&
        variables.get('NODE_ENV') === 'production' &&
        !/--include[= ]dev|--production[= ]false|--prod[= ]false/.test(text),
    );
  if (isPruned) return `${name} is in devDependencies, which the image omits: move it to dependencies.`;
  return runs.length > 0 && packageRuns.length === 0 ? `Nothing installs ${name} in the image.` : undefined;
}

/** The package runner, by the lock file and the base image. */
async function runnerOf({
  tree,
  files,
  from = '',
  start,
}: Sources): Promise<{ program: string; run: string }> {
  const find = (name: string) => files.find((file) => nameOf(file) === name);
  if (/(?:^|\/)bun(?::|$)/.test(from) || /\bbunx?\s/.test(start)) return { program: 'bunx', run: 'bun run' };
  // Yarn has no node_modules by default: https://yarnpkg.com/configuration/yarnrc#nodeLinker
  const settings = find('.yarnrc.yml');
  const isPlain = /^nodeLinker:\s*["']?(?:node-modules|pnpm)/m.test((await tree.read(settings ?? '')) ?? '');
  if (find('yarn.lock') !== undefined && settings !== undefined && !isPlain)
    return { program: 'yarn', run: 'yarn run' };
  if (/\bpnpm\s/.test(start)) return { program: 'pnpm exec', run: 'pnpm run' };
  return { program: 'npx', run: 'npm run' };
}

/** @returns undefined unless the text is a JSON object. */
export function parseManifest(text: string | undefined): Manifest | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
