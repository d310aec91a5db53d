import { posix } from 'node:path';
import { folderOf, inFolder } from '../repo.ts';
import { contextFiles, type ImageBuild } from './image-build.ts';

/** Where a front end's build puts its files, from the folder of its package.json. */
export interface BuildOutput {
  readonly tool: string;
  readonly folder: string;
  /** Folder of the package, from the context. */
  readonly package: string;
}

/** Folders that builds write to; whoever copies one expects a build to have made it. */
export const outputNames = new Set(['dist', 'build', 'out', 'public', '.next', '.output', 'www', '_site']);

/** For tools whose output can't be moved. */
const never = /(?!)/;

type Guess = readonly [tool: string, script: RegExp, config: RegExp, key: RegExp, fallback: string];

/** Defaults of the tools, and the key of their configuration that changes it. */
const tools: readonly Guess[] = [
  ['react-scripts', /\breact-scripts\s+build\b/, never, never, 'build'],
  ['next', /\bnext\s+build\b/, /^next\.config\.\w+$/, /\bdistDir\s*:/, '.next'],
  ['nuxt', /\bnuxi?\s+build\b/, never, never, '.output'],
  ['vue-cli-service', /\bvue-cli-service\s+build\b/, /^vue\.config\.\w+$/, /\boutputDir\s*:/, 'dist'],
  ['astro', /\bastro\s+build\b/, /^astro\.config\.\w+$/, /\boutDir\s*:/, 'dist'],
  ['gatsby', /\bgatsby\s+build\b/, never, never, 'public'],
  ['parcel', /\bparcel\s+build\b/, never, never, 'dist'],
  ['vite', /\bvite\s+build\b/, /^vite\.config\.\w+$/, /\boutDir\s*:/, 'dist'],
];

/**
 * What `npm run build` of the context makes, where its script and configuration say so beyond doubt.
 *
 * @returns undefined for several packages, unknown tools, and paths that are computed.
 */
export function buildOutput(image: ImageBuild): BuildOutput | undefined {
  const packages = contextFiles(image).filter((file) => posix.basename(file) === 'package.json');
  const outputs = packages.flatMap((file) => outputOf(image, file) ?? []);
  return outputs.length === 1 ? outputs[0] : undefined;
}

function outputOf(image: ImageBuild, file: string): BuildOutput | undefined {
  const script = buildScript(readIn(image, file));
  const guess = tools.find(([, pattern]) => pattern.test(script));
  if (guess === undefined) return undefined;
  const [tool, , config, key, fallback] = guess;
  const said = /--(?:outDir|dist-dir|dest|outdir)[= ]["']?([\w./-]+)/.exec(script)?.[1];
  const folder = said ?? configured(image, folderOf(file), config, key) ?? fallback;
  if (folder === '?' || /BUILD_PATH=/.test(script)) return undefined;
  const isExport =
    tool === 'next' && /output\s*:\s*['"]export['"]/.test(configText(image, folderOf(file), config));
  return {
    tool,
    folder: isExport ? 'out' : posix.normalize(folder).replace(/\/$/, ''),
    package: folderOf(file),
  };
}

function buildScript(text: string): string {
  try {
    const scripts = (JSON.parse(text) as { scripts?: Record<string, unknown> } | null)?.scripts;
    return typeof scripts?.['build'] === 'string' ? scripts['build'] : '';
  } catch {
    return '';
  }
}

function configText(image: ImageBuild, folder: string, name: RegExp): string {
  const file = contextFiles(image).find(
    (each) => folderOf(each) === folder && name.test(posix.basename(each)),
  );
  return file === undefined ? '' : readIn(image, file);
}

/** @returns `?` where the configuration says something that can't be read as a plain text. */
function configured(image: ImageBuild, folder: string, name: RegExp, key: RegExp): string | undefined {
  const text = configText(image, folder, name).replace(/\/\/.*$/gm, '');
  // SvelteKit and other frameworks on Vite have outputs of their own; a root moves the folder.
  if (
    /\b(?:sveltekit|solidStart|qwikCity|reactRouter|remix|analog|tanstackStart|laravel)\b|^\s*root\s*:/m.test(
      text,
    )
  )
    return '?';
  const found = key.exec(text);
  if (found === null) return undefined;
  return /^\s*(['"`])([\w./-]+)\1/.exec(text.slice(found.index + found[0].length))?.[2] ?? '?';
}

function readIn({ repo, context }: ImageBuild, file: string): string {
  return repo.read(inFolder(context, file)) ?? '';
}
