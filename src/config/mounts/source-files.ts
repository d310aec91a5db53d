import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

const code =
  /\.(?:[cm]?[jt]sx?|vue|svelte|astro|py|rb|erb|php|go|rs|java|kt|scala|clj|cs|fs|exs?|eex|heex|erl|c|cc|cpp|h|swift|dart|lua|pl|sh)$/i;
/** Folders that production does not need, or that an install or a build creates. */
const aside =
  /^(?:\..+|node_modules|vendor|venv|dist|build|target|coverage|tests?|specs?|__tests__|__pycache__|e2e|cypress|docs?|examples?|fixtures|docker|deploy|infra|ops|scripts|tools|bin|tmp|log)$/i;
/** Settings of tools, beside the code and not a part of it. */
const tooling =
  /(?:^|\/)[^/]*(?:\.config|\.conf|rc|\.setup|\.test|\.spec|_test|_spec)\.[cm]?[jt]sx?$|(?:^|\/)(?:gulp|grunt|vite|webpack)file?\.[cm]?js$/i;
const maxDepth = 8;
const maxFiles = 5000;

/**
 * The code of a folder: paths from there on. A folder without code (pages, pictures) is all that it holds.
 */
export async function sourceFiles(folder: string): Promise<string[]> {
  const files: string[] = [];
  const visit = async (path: string, depth: number): Promise<void> => {
    const entries = await readdir(join(folder, path), { withFileTypes: true }).catch(() => []);
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (files.length >= maxFiles) return;
      const whole = path === '' ? entry.name : `${path}/${entry.name}`;
      if (entry.isFile()) files.push(whole);
      else if (entry.isDirectory() && depth < maxDepth && !aside.test(entry.name))
        await visit(whole, depth + 1);
    }
  };
  await visit('', 0);
  const found = files.filter((file) => code.test(file) && !tooling.test(file));
  if (found.length > 0) return found;
  const pages = files.filter((file) => !/^(?:\.|[^/]*\.(?:md|lock|txt|ya?ml|toml|json)$)/i.test(file));
  // Pages that a build makes others of (`docs/index.md`), and nothing else.
  return pages.length > 0 ? pages : files.filter((file) => !file.startsWith('.'));
}
