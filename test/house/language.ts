import { existsSync } from 'node:fs';
import { relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defaultFindings, exitCodeFindings, schemaDefaults } from './language/defaults.ts';
import { filesOf, pages, spokenFiles } from './language/files.ts';
import { helpFindings } from './language/help.ts';
import { hintFindings } from './language/hints.ts';
import type { Finding } from './language/model.ts';
import { sentenceFindings } from './language/sentences.ts';
import { wordFindings } from './language/words.ts';
import { yamlFindings } from './language/yaml.ts';

/** What is wrong with the language of a checkout, or of some of its files and folders. */
type Check = (root: string, paths: readonly string[]) => Finding[] | Promise<Finding[]>;

export const checks: Readonly<Record<string, Check>> = {
  words: (root, paths) => spokenFiles(root, paths).flatMap(wordFindings),
  sentences: (root, paths) => filesOf(root, pages, paths).flatMap(sentenceFindings),
  help: helpFindings,
  yaml: (root, paths) => filesOf(root, pages, paths).flatMap(yamlFindings),
  defaults: (root, paths) => {
    const defaults = schemaDefaults(root);
    return filesOf(root, pages, paths).flatMap((file) => [
      ...defaultFindings(file, defaults),
      ...exitCodeFindings(file),
    ]);
  },
  hints: hintFindings,
};

const usage = `Usage: node test/house/language.ts [--only ${Object.keys(checks).join('|')}] [--count] [paths…]`;

/** `src/x.ts:12: "mend" → better: fix` */
export function lineOf({ path, line, found, better }: Finding): string {
  return `${path}:${line}: "${found}" → better: ${better}`;
}

/** `src/deploy`, `docs`: where findings are counted. */
function areaOf(path: string): string {
  const [top = '', folder, file] = path.split('/');
  return top === 'src' && folder !== undefined && file !== undefined ? `${top}/${folder}` : top;
}

async function main(root: string, args: readonly string[]): Promise<number> {
  const only: string[] = [];
  const paths: string[] = [];
  let isCount = false;
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] ?? '';
    if (arg === '--only') only.push(...(args[++at] ?? '').split(/[,|]/));
    else if (arg === '--count') isCount = true;
    else paths.push(arg.startsWith('-') ? arg : relative(root, resolve(arg)).split(sep).join('/') || '.');
  }
  const names = only.length > 0 ? only : Object.keys(checks);
  if (names.some((name) => !Object.hasOwn(checks, name)) || paths.some((path) => path.startsWith('-'))) {
    console.error(usage);
    return 2;
  }
  const missing = paths.filter((path) => path.startsWith('..') || !existsSync(resolve(root, path)));
  if (missing.length > 0) {
    console.error(`Not in this checkout: ${missing.join(', ')}`);
    return 2;
  }
  let total = 0;
  for (const name of names) {
    const findings = (await checks[name]?.(root, paths)) ?? [];
    total += findings.length;
    if (isCount) {
      const areas = Map.groupBy(findings, ({ path }) => areaOf(path));
      for (const [area, found] of [...areas].sort()) console.log(`${name} ${area}: ${found.length}`);
    } else for (const finding of findings) console.log(lineOf(finding));
  }
  console.log(total === 0 ? 'language: as agreed' : `language: ${total} to fix`);
  return total === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.exitCode = await main(resolve(import.meta.dirname, '../..'), process.argv.slice(2));
}
