import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { type Place, UserError, UserErrors } from '../../kernel/errors.ts';
import { baseNames } from '../compose/choice/names.ts';
import { gitTop } from '../env/git-files.ts';
import type { Config, Target } from '../model.ts';
import { secretIn } from '../secrets/secret-names.ts';
import { decodeUtf8 } from '../text-file.ts';
import { errorsOf, pathText } from './issues.ts';
import { contradictions, normalise, placeOf } from './normalise.ts';
import { configSchema, siteOnlySchema } from './schema/schema.ts';
import { didYouMean, unknownTarget } from './suggest.ts';
import { readYaml, type YamlFile } from './yaml.ts';

const names = ['sluice.yml', 'sluice.yaml'];
const maxBytes = 512 * 1024;

const shortest = `A minimal sluice.yml:
app: myapp
targets:
  production: { hosts: [deploy@server.example.com], env-file: .env }`;

/**
 * Reads sluice.yml: the one named, or the first one from `cwd` upwards to the top of the git repository. Compose
 * files are looked for, too.
 *
 * @throws UserErrors with everything that is wrong at once, each with its place; UserError if there is no file to read.
 */
export async function loadConfig(path?: string, cwd: string = process.cwd()): Promise<Config> {
  const file = path === undefined ? await findConfig(cwd) : resolve(cwd, path);
  const shown = relative(cwd, file).startsWith('..') ? file : relative(cwd, file);
  const config = parseConfig(await readText(file, shown), shown, cwd);
  const siteOnly = Object.keys(config.targets).length === 0;
  const missing = siteOnly ? [] : await missingComposeFiles(config);
  if (missing.length > 0) throw new UserErrors(missing);
  return config;
}

/**
 * Reads the text of a sluice.yml.
 *
 * @param file how messages call it; relative paths in it start from its folder (below `cwd`).
 * @throws UserErrors
 */
export function parseConfig(text: string, file: string, cwd: string = process.cwd()): Config {
  const clean = text.replace(/^\uFEFF/, '');
  if (clean.trim() === '') throw new UserErrors([emptyFile(file)]);
  const yaml = readYaml(clean, file);
  if (Array.isArray(yaml)) throw new UserErrors(yaml);
  const read = yaml as YamlFile;
  if (read.data === null || read.data === undefined) throw new UserErrors([emptyFile(file)]);
  if (typeof read.data !== 'object' || Array.isArray(read.data)) {
    const is = Array.isArray(read.data) ? 'a list' : 'a single value';
    const message = `The file is ${is}, and must be a map (key: value)`;
    throw new UserErrors([
      new UserError({ code: 'config.value', message, hint: shortest, at: { file, line: 1, column: 1 } }),
    ]);
  }

  const secrets = secretsIn(read);
  const siteOnly = Object.hasOwn(read.data, 'cdn') && !Object.hasOwn(read.data, 'targets');
  const checked = (siteOnly ? siteOnlySchema : configSchema).safeParse(read.data);
  const wrong = checked.success ? [] : errorsOf(checked.error.issues, read);
  const grave = [...secrets, ...forbiddenKeys(read)];
  const told = new Set(grave.map((error) => placeKey(error.at)));
  const errors = [...grave, ...wrong.filter((error) => !told.has(placeKey(error.at)))];
  if (errors.length > 0 || !checked.success) throw new UserErrors(byPlace(errors));

  const whole = resolve(cwd, file);
  const config = normalise(checked.data, whole, dirname(whole), read);
  const contradicting = contradictions(config);
  if (contradicting.length > 0) throw new UserErrors(byPlace(contradicting));
  return config.compose.length > 0 ? config : { ...config, compose: [defaultCompose(config.folder)] };
}

/** @throws UserError `config.unknown-target` that lists those there are. */
export function targetOf(config: Config, name: string): Target {
  const target = Object.hasOwn(config.targets, name) ? config.targets[name] : undefined;
  if (target !== undefined) return target;
  const known = Object.keys(config.targets);
  throw new UserError({
    code: 'config.unknown-target',
    message: unknownTarget(name, known),
    hint: `Available: ${known.join(', ')}.`,
    ...placeOf(config, ['targets', known[0] ?? '']),
  });
}

async function findConfig(cwd: string): Promise<string> {
  const top = gitTop(cwd) ?? cwd;
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const found = names.map((name) => join(folder, name)).filter((file) => existsSync(file));
    if (found[1] !== undefined) {
      const message = 'The folder has both a sluice.yml and a sluice.yaml';
      throw new UserError({
        code: 'config.unreadable',
        message,
        hint: 'Keep one of the two.',
        at: { file: found[1] },
      });
    }
    if (found[0] !== undefined) return found[0];
    if (folder === top || folder === dirname(folder)) break;
  }
  const where = top === resolve(cwd) ? 'here' : 'here or in a parent folder up to the top of the repository';
  throw new UserError({
    code: 'config.missing',
    message: `There is no sluice.yml ${where}`,
    hint: 'Run `sluice init` to create one, or name it with --config.',
  });
}

async function readText(file: string, shown: string): Promise<string> {
  const unreadable = (message: string, hint: string) =>
    new UserError({ code: 'config.unreadable', message, hint, at: { file: shown } });
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => error);
  if (found instanceof Error) {
    if (found.code === 'ENOENT' || found.code === 'ENOTDIR') {
      throw new UserError({
        code: 'config.missing',
        message: 'The file does not exist',
        hint: 'Run `sluice init` to create a sluice.yml.',
        at: { file: shown },
      });
    }
    throw unreadable(
      `The file cannot be read (${found.code})`,
      'Check the permissions of the file and its folder.',
    );
  }
  if (found.isDirectory())
    throw unreadable('This is a folder, not a file', `Name the file: ${join(shown, 'sluice.yml')}`);
  if (!found.isFile()) throw unreadable('This is not a regular file', 'Name a text file.');
  if (found.size > maxBytes)
    throw unreadable('The file is larger than 512 KiB', 'This cannot be a sluice.yml.');
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => error);
  if (bytes instanceof Error)
    throw unreadable(`The file cannot be read (${bytes.code})`, 'Check its permissions.');
  const decoded = decodeUtf8(bytes);
  if ('fault' in decoded) throw unreadable(decoded.fault, 'Save it as UTF-8.');
  return decoded.text;
}

function emptyFile(file: string): UserError {
  return new UserError({
    code: 'config.missing-key',
    message: 'The file is empty',
    hint: shortest,
    at: { file, line: 1, column: 1 },
  });
}

function defaultCompose(folder: string): string {
  return baseNames.find((name) => existsSync(join(folder, name))) ?? 'compose.yml';
}

async function missingComposeFiles(config: Config): Promise<UserError[]> {
  const missing: UserError[] = [];
  for (const path of config.compose) {
    const whole = isAbsolute(path) ? path : join(config.folder, path);
    const found = await stat(whole).catch(() => undefined);
    if (found?.isFile() === true) continue;
    const siblings = await readdir(dirname(whole)).catch(() => []);
    const similar = siblings.filter((name) => /\.ya?ml$/.test(name) && !names.includes(name));
    missing.push(
      new UserError({
        code: 'config.compose-missing',
        message: `compose: ${path} ${found === undefined ? 'does not exist' : 'is not a file'}${didYouMean(basename(path), similar)}`,
        hint:
          similar.length > 0
            ? `YAML files there: ${similar.join(', ')}.`
            : 'Paths are relative to the folder of sluice.yml.',
        ...placeOf(config, ['compose']),
      }),
    );
  }
  return missing;
}

function secretsIn(read: YamlFile): UserError[] {
  const found: UserError[] = [];
  for (const { path, text, isKey } of read.scalars()) {
    const what = secretIn(isKey ? [] : path, text);
    if (what === undefined) continue;
    const where = isKey ? path.slice(0, -1) : path;
    const at = isKey ? read.placeOfKey(where, text) : read.place(path);
    const message = `${pathText(where) || 'The file'}: this is ${what}, and secrets do not belong in the file`;
    const hint =
      'Remove it and replace it at its issuer, because it is compromised. Write the NAME of an environment variable (a CI secret) instead.';
    found.push(new UserError({ code: 'config.secret', message, hint, at }));
  }
  return found;
}

/** JavaScript objects drop such a key, so the schema cannot report it as unknown. */
function forbiddenKeys(read: YamlFile): UserError[] {
  return [...read.scalars()]
    .filter(({ isKey, text }) => isKey && text === '__proto__')
    .map(({ path }) => {
      const at = read.placeOfKey(path.slice(0, -1), '__proto__');
      return new UserError({ code: 'config.unknown-key', message: 'unknown key __proto__', at });
    });
}

function placeKey(at: Place | undefined): string {
  return `${at?.line}:${at?.column}`;
}

function byPlace(errors: readonly UserError[]): UserError[] {
  const position = ({ at }: UserError) => (at?.line ?? 0) * 10_000 + (at?.column ?? 0);
  return [...errors].sort((a, b) => position(a) - position(b));
}
