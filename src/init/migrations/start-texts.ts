import { posix } from 'node:path';
import { folderOf, nameOf, type Tree } from '../study/tree.ts';
import type { ImageFiles } from './image-files.ts';
import { parseManifest } from './packages.ts';

export interface StartText {
  /** File of the repository, or a description: `command of the compose file`. */
  readonly at: string;
  readonly text: string;
  readonly isFile: boolean;
}

const maxDepth = 4;
const maxTexts = 40;

/**
 * The readable commands of a container's start: its command, and the scripts, supervisor settings and package scripts
 * that it calls.
 *
 * @param line entrypoint and command of the container as one line.
 */
export async function startTexts(
  tree: Tree,
  {
    line,
    from,
    files,
    image,
  }: {
    line: string;
    from: string;
    /** Files of the build context, from the repository's folder. */
    files: readonly string[];
    image: ImageFiles | undefined;
  },
): Promise<StartText[]> {
  const byName = namesOf(files);
  const manifests = files
    .filter((path) => nameOf(path) === 'package.json')
    .sort(byLength)
    .slice(0, 5);
  const texts: StartText[] = [{ at: from, text: line, isFile: false }];
  const seen = new Set<string>();
  const visit = async (text: string, depth: number): Promise<void> => {
    if (depth > maxDepth) return;
    for (const file of [...(await scriptsOf(tree, manifests, text)), ...filesIn(text, byName, image)]) {
      const key = typeof file === 'string' ? file : `${file.at} ${file.text}`;
      if (seen.has(key) || texts.length >= maxTexts) continue;
      seen.add(key);
      const found: StartText | undefined = typeof file === 'string' ? await readStart(tree, file) : file;
      if (found === undefined) continue;
      texts.push(found);
      // A program also calls others, but its text names far more than it runs.
      if (!found.isFile || isScript(found.at)) await visit(found.text, depth + 1);
    }
  };
  await visit(line, 0);
  for (const file of bootFiles(line, files, image)) {
    const found = seen.has(file) ? undefined : await readStart(tree, file);
    if (found === undefined) continue;
    seen.add(file);
    texts.push(found);
    await visit(found.text, 1);
  }
  return texts;
}

async function readStart(tree: Tree, at: string): Promise<StartText | undefined> {
  const text = await tree.read(at);
  return text === undefined ? undefined : { at, text, isFile: true };
}

/** Shell scripts, and settings of supervisors. */
function isScript(path: string): boolean {
  return /(?:\.(?:sh|bash|ini|conf|cfg)|(?:^|\/)Procfile(?:\.\w+)?|(?:^|\/)[\w-]+)$/.test(path);
}

function namesOf(files: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  // The one nearest to the root wins: it is set last.
  for (const file of [...files].sort(byLength).toReversed()) found.set(nameOf(file), file);
  return found;
}

/** Files that a line names, by their path in the image, else by their name. */
function filesIn(text: string, byName: ReadonlyMap<string, string>, image: ImageFiles | undefined): string[] {
  const words = text.split(/[\s"'`,;=()[\]&|]+/);
  const found = new Set<string>();
  let previous = '';
  for (const word of words) {
    const before = previous;
    previous = word;
    if (!/^[\w./@-]{3,}$/.test(word)) continue;
    if (/^(?:\/usr\/(?:bin|sbin|lib)|\/bin|\/sbin|\/dev|\/proc)\//.test(word)) continue;
    const name = nameOf(word);
    const isCalled = /(?:^|\/)(?:node|tsx|ts-node|bun|python3?|php|ruby)$/.test(before);
    const isSource = /\.(?:py|[cm]?[jt]s|php|rb)$/.test(name) && isCalled;
    // A bare word such as `start` is a program; a script of that name is called by its path.
    const isPath = word.includes('/') || /\.\w+$/.test(name) || /entrypoint/.test(name);
    if (!isSource && !(isScript(name) && isPath)) continue;
    const source = word.startsWith('/') ? image?.sourceOf(word) : undefined;
    const file = source ?? byName.get(name);
    if (file !== undefined) found.add(file);
  }
  return [...found];
}

/** Files that supervisors read by default, and those that base images run before the command. */
function bootFiles(line: string, files: readonly string[], image: ImageFiles | undefined): string[] {
  const forms: RegExp[] = [];
  if (/\bsupervisord\b/.test(line)) forms.push(/(?:^|\/)supervisor[\w./-]*\.(?:conf|ini)$/);
  if (/\b(?:honcho|foreman|overmind|hivemind|goreman)\b/.test(line)) forms.push(/(?:^|\/)Procfile$/);
  if (/\buwsgi\b/.test(line)) forms.push(/(?:^|\/)uwsgi[\w.-]*\.(?:ini|ya?ml)$/);
  // s6-overlay: https://github.com/just-containers/s6-overlay
  if (/(?:^|\s)\/init(?:\s|$)/.test(line)) forms.push(/(?:^|\/)(?:cont-init\.d|s6-rc\.d|services\.d)\/./);
  if (image !== undefined && !/(?:^|\s)\/init(?:\s|$)/.test(line)) {
    const targets = image.image.copies.map(({ target }) => target ?? '');
    if (targets.some((target) => /entrypoint\.d/.test(target))) forms.push(/entrypoint\.d\/.{1,300}\.sh$/);
    if (targets.some((target) => /cont-init\.d|s6-rc\.d|s6-overlay/.test(target)))
      forms.push(/(?:^|\/)(?:cont-init\.d|s6-rc\.d)\/./);
  }
  return files.filter((file) => forms.some((form) => form.test(file))).slice(0, 20);
}

/** `npm start`, `yarn run serve:prod`: their lines in package.json, with the pre and post scripts. */
async function scriptsOf(tree: Tree, manifests: readonly string[], text: string): Promise<StartText[]> {
  const calls = [
    ...text.matchAll(/\b(?:npm|pnpm|yarn|bun)["',\s]+(?:(?:run|run-script|-\S+)["',\s]+){0,6}([\w:.-]+)/g),
  ];
  // Runners of several scripts: https://www.npmjs.com/package/npm-run-all and concurrently.
  const several = [...text.matchAll(/\b(?:npm-run-all2?|run-s|run-p)\s+([^&|;\n]+)/g)].flatMap(
    ([, rest = '']) => rest.split(/\s+/).filter((word) => /^[\w:.-]+$/.test(word) && !word.startsWith('-')),
  );
  const named = [...text.matchAll(/["'\s](?:npm|pnpm|yarn):([\w:.-]+)/g)].map(([, name = '']) => name);
  const names = [...new Set([...calls.map(([, name = '']) => name), ...several, ...named])].filter(
    (name) => !/^(?:install|ci|exec|dlx|x|add|cache|config|prune)$/.test(name),
  );
  if (names.length === 0) return [];
  const found: StartText[] = [];
  for (const at of manifests) {
    const scripts = parseManifest(await tree.read(at))?.scripts ?? {};
    for (const name of names) {
      for (const key of [`pre${name}`, name, `post${name}`]) {
        const line = scripts[key];
        if (typeof line === 'string') found.push({ at: `${at} (script ${key})`, text: line, isFile: false });
      }
    }
    if (found.length > 0) return found;
  }
  return found;
}

function byLength(a: string, b: string): number {
  return folderOf(a).length - folderOf(b).length || (posix.normalize(a) < posix.normalize(b) ? -1 : 1);
}
