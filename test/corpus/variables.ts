import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { parseEnvFile } from '../../src/config/env/env-file.ts';

const exampleName =
  /^\.?env[.-](?:example|sample|template|dist|docker)$|^(?:\.env)?\.?(?:example|sample)\.env$|^\.env$/;
/** `$NAME`, `${NAME}`, `${NAME:?text}`: forms without a default. */
const needed = /(?<!\$)\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?:\}|:?\?))/g;

/** By the end of a name, what a person would write there. */
const forms: readonly (readonly [RegExp, string])[] = [
  [/PORT$/, '8080'],
  [/(?:^|_)(?:IP|BIND|BIND_ADDRESS)$/, '127.0.0.1'],
  [/(?:MEMORY|MEM_LIMIT|_MEM|SHM_SIZE)$/, '256m'],
  [/(?:CPUS?|REPLICAS|WORKERS|UID|GID)$/, '1'],
  [/(?:TIMEOUT|INTERVAL|PERIOD)$/, '10s'],
  [/(?:PATH|DIR|FOLDER)$/, '/srv/data'],
];

/**
 * What a person would give a target: the values of the example files beside the compose files, else such as the names
 * ask for; and what the expectation says of production.
 */
export async function productionValues(
  folder: string,
  compose: readonly string[],
  own: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, string>>> {
  const folders = [...new Set(['.', ...compose.map((file) => dirname(file))])];
  const values: Record<string, string> = {};
  for (const place of folders) {
    const names = await readdir(join(folder, place)).catch(() => []);
    for (const name of names.filter((file) => exampleName.test(file)).sort()) {
      const text = await readFile(join(folder, place, name), 'utf8');
      const { entries } = parseEnvFile(text, name, { lookup: (other) => values[other] ?? '' });
      for (const { name: key, value } of entries) if (value !== '') values[key] = value;
    }
    for (const name of names.filter((file) => /\.ya?ml$/.test(file))) {
      const text = await readFile(join(folder, place, name), 'utf8');
      for (const [, plain, braced] of text.matchAll(needed)) {
        const key = plain ?? braced ?? '';
        values[key] ??= forms.find(([pattern]) => pattern.test(key))?.[1] ?? 'value';
      }
    }
  }
  // A target that needs variables has some, even where the repository names none.
  return { CORPUS: 'yes', ...values, ...own };
}

/** The environment of a runner that has the target's secrets: only what sluice.yml asks for. */
export function runnerEnv(
  sluiceYml: string,
  target: string,
  values: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const file = parse(sluiceYml) as { targets?: Record<string, Record<string, unknown>> };
  const settings = file.targets?.[target] ?? {};
  const secret = settings['env-secret'];
  const list = [settings['env']].flat().filter((name) => typeof name === 'string');
  const text = Object.entries(values)
    .map(([name, value]) => `${name}='${value.replaceAll("'", '')}'`)
    .join('\n');
  return {
    ...(typeof secret === 'string' ? { [secret]: text } : {}),
    ...Object.fromEntries(list.map((name) => [name, values[name] ?? 'value'])),
  };
}
