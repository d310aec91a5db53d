import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { jsonSchema, referencePage } from '../src/config/reference/reference.ts';
import { actionPages } from './action-tables.ts';
import { callerFiles } from './caller-files.ts';
import { cliPage } from './cli-page.ts';
import { errorsPage } from './errors-page.ts';
import { rulePages } from './rule-pages.ts';

const root = resolve(import.meta.dirname, '..');

/**
 * Files that are made from the code. `node scripts/generate.ts` writes them; with `--check` it only lists those that are
 * out of date, and ends with 1 if any is.
 */
export const generated: Readonly<Record<string, () => string>> = {
  'schema/sluice.schema.json': () => `${JSON.stringify(jsonSchema(), null, 2)}\n`,
  'docs/config.md': referencePage,
  'docs/cli.md': cliPage,
  'docs/errors.md': errorsPage,
  ...callerFiles(),
  ...rulePages(),
  ...actionPages(root),
};

/** Paths whose file is not what the code makes. */
export function outdated(root: string): string[] {
  return Object.entries(generated)
    .filter(([path, make]) => read(join(root, path)) !== make())
    .map(([path]) => path);
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const stale = outdated(root);
  if (process.argv.includes('--check')) {
    for (const path of stale) console.error(`${path} is out of date: run node scripts/generate.ts`);
    process.exitCode = stale.length > 0 ? 1 : 0;
  } else {
    for (const path of stale) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), generated[path]?.() ?? '');
      console.log(`wrote ${path}`);
    }
  }
}
