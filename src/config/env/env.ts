import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { type Place, UserError, UserErrors } from '../../kernel/errors.ts';
import type { Config, Env, EnvSource, HostConfig, Target } from '../model.ts';
import { openIn, openTexts, secretsOf } from '../secrets/masking.ts';
import { reservedGroup, whyReserved } from '../secrets/reserved.ts';
import { placeOf } from '../sluice-yml/normalise.ts';
import { decodeUtf8 } from '../text-file.ts';
import { parseEnvFile } from './env-file.ts';
import { gitTop, readGitFiles } from './git-files.ts';

export interface LoadedEnv {
  readonly values: Env;
  /** Where each variable came from: `.env.production:12`, `PROD_ENV:3`, `the environment`, the host's name. */
  readonly origins: Env;
  /** Names that a file sets twice: the last one counts, which is rarely intended. */
  readonly duplicates: readonly { readonly name: string; readonly origin: string }[];
  /** Sources that were not read, with the reason: see {@link EnvEffects.unread}. */
  readonly unread: readonly string[];
}

export interface EnvEffects {
  /** Sluice's own environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Text of a file on the host, undefined if it does not exist; needed for `host-env-file` only. */
  readonly readHostFile?: ((path: string) => Promise<string | undefined>) | undefined;
  /**
   * Sources to skip and list instead of failing: files on the host, or also variables that are not set here. Default:
   * nothing.
   */
  readonly unread?: 'host-files' | 'all' | undefined;
  /** Told every secret as it is read, before anything is done with it. */
  readonly mask?: { add(value: string): void; keep?(texts: Iterable<string>): void } | undefined;
}

/** The optional fields distinguish names of secrets from public texts. */
type EnvConfig = Pick<Config, 'folder' | 'places'> & Partial<Pick<Config, 'compose' | 'targets' | 'notify'>>;

/** Linux: one string of a process's environment, NAME=value and its end (MAX_ARG_STRLEN). */
const maxVariable = 128 * 1024 - 1;
const maxTotal = 1024 * 1024;
const maxFile = 1024 * 1024;

/**
 * Reads and merges the variables of a target for one of its hosts: the target's sources in their order, then the
 * host's own. Later ones win.
 *
 * @throws UserErrors with everything that is missing or malformed: `env.*`; never with a value.
 */
export async function loadEnv(
  config: EnvConfig,
  target: Target,
  host: HostConfig,
  effects: EnvEffects,
): Promise<LoadedEnv> {
  const open = effects.mask === undefined ? openTexts(config) : await openIn(config);
  effects.mask?.keep?.(open);
  const merged = createMerge((name, value, isSecret) => {
    for (const secret of secretsOf(name, value, { isSecret, open })) effects.mask?.add(secret);
  });
  const errors: UserError[] = [];
  const missing: Missing[] = [];
  for (const source of target.env) {
    try {
      missing.push(...(await addSource(source, merged, config, target, effects)));
    } catch (error) {
      if (error instanceof UserErrors) errors.push(...error.errors);
      else if (error instanceof UserError) errors.push(error);
      else throw error;
    }
  }
  for (const [name, value] of Object.entries(host.env)) merged.set(name, value, host.name, false);
  const absent = missing.filter(({ name }) => merged.env.values[name] === undefined);
  // A file on the host may have what is absent here; the text of an env file it cannot have.
  const isExcused = ({ key }: Missing) =>
    effects.unread === 'all' || (merged.env.unread.length > 0 && key !== 'env-secret');
  const excused = new Set(absent.filter(isExcused).map(({ name }) => name));
  for (const name of effects.unread === 'all' ? excused : []) merged.env.unread.push(`${name}: not set here`);
  const really = absent.filter((variable) => !isExcused(variable));
  if (really.length > 0) errors.push(missingError(config, target, really));
  errors.push(...sizeErrors(merged.env.values));
  if (errors.length > 0) throw new UserErrors(errors);
  return merged.env;
}

/** A name without a value, and whose key of the target asks for it. */
type Missing = { readonly name: string; readonly key: 'env' | 'env-secret' | 'env-file' | 'host-env-file' };

async function addSource(
  source: EnvSource,
  merged: Merge,
  config: EnvConfig,
  target: Target,
  effects: EnvEffects,
): Promise<Missing[]> {
  const listed = new Set(target.env.flatMap((entry) => (entry.kind === 'variables' ? entry.names : [])));
  const isTaken = (name: string) => whyReserved(name, config) !== undefined && !listed.has(name);
  switch (source.kind) {
    case 'variables': {
      const absent = source.names.filter((name) => !effects.env[name]);
      for (const name of source.names)
        merged.set(name, effects.env[name] || undefined, 'the environment', true);
      return absent.map((name) => ({ name, key: 'env' }));
    }
    case 'secret-file': {
      const text = effects.env[source.variable];
      if (!text) return [{ name: source.variable, key: 'env-secret' }];
      return addText(text, source.variable, 'env-secret', merged, effects, isTaken);
    }
    case 'host-file': {
      if (effects.unread !== undefined) {
        merged.env.unread.push(`${source.path}: stays on the server`);
        return [];
      }
      const text = await readHostFile(source.path, config, target, effects);
      return addText(text, source.path, 'host-env-file', merged, effects, isTaken);
    }
    case 'file': {
      const text = await readLocal(source.path, config, target);
      const isSecret = effects.mask !== undefined && !(await isTracked(source.path, config, effects));
      return addText(text, source.path, 'env-file', merged, effects, isTaken, isSecret);
    }
  }
}

function addText(
  text: string,
  name: string,
  key: Missing['key'],
  merged: Merge,
  { env }: EnvEffects,
  isTaken: (name: string) => boolean,
  isSecret = true,
): Missing[] {
  // A value may refer to what earlier sources set, never to whatever the runner happens to have.
  const file = parseEnvFile(text, name, { lookup: (variable) => merged.env.values[variable] });
  // An env file must not pass on a credential of the job by its name; `env` of sluice.yml may.
  const reserved = file.inherited.filter((entry) => isTaken(entry.name));
  if (reserved.length > 0) {
    throw new UserErrors(
      reserved.map((entry) =>
        inheritedReserved(entry.name, { file: name, line: entry.line, column: entry.column }),
      ),
    );
  }
  for (const entry of file.entries) {
    merged.set(entry.name, entry.value, `${name}:${entry.line}`, isSecret);
  }
  // `NAME` alone asks for the variable of the surroundings by name, as `env` does.
  for (const entry of file.inherited) {
    merged.set(entry.name, env[entry.name] || undefined, 'the environment', true);
  }
  return file.inherited.filter((entry) => !env[entry.name]).map((entry) => ({ name: entry.name, key }));
}

/** An env file that takes over a reserved variable of the job by its name. */
export function inheritedReserved(name: string, at: Place): UserError {
  return new UserError({
    code: 'env.reserved',
    message: `An env file inherits ${name}, which is reserved: it is ${reservedGroup(name)?.are ?? 'a secret of the job'}`,
    hint: `Set the app’s own value there: ${name}=….`,
    at,
  });
}

type Merge = ReturnType<typeof createMerge>;

/** @param onValue gets every value, also one that a later source replaces. */
function createMerge(onValue: (name: string, value: string, isSecret: boolean) => void) {
  const values: Record<string, string> = Object.create(null);
  const origins: Record<string, string> = Object.create(null);
  const duplicates: { name: string; origin: string }[] = [];
  const unread: string[] = [];
  return {
    env: { values, origins, duplicates, unread } satisfies LoadedEnv,
    set(name: string, value: string | undefined, origin: string, isSecret: boolean): void {
      if (value === undefined) return;
      onValue(name, value, isSecret);
      const file = (text: string | undefined) => text?.replace(/:\d+$/, '');
      const before = origins[name];
      if (before !== undefined && /:\d+$/.test(origin) && file(before) === file(origin))
        duplicates.push({ name, origin });
      values[name] = value;
      origins[name] = origin;
    },
  };
}

/** Whether everybody who has the repository has the file as well. */
async function isTracked(
  path: string,
  config: Pick<Config, 'folder'>,
  { env }: EnvEffects,
): Promise<boolean> {
  const whole = resolve(config.folder, path);
  const { ignored, untracked, problems } = await readGitFiles([whole], { env });
  return (
    gitTop(config.folder) !== undefined &&
    problems.length === 0 &&
    !ignored.has(whole) &&
    !untracked.has(whole)
  );
}

async function readLocal(
  path: string,
  config: Pick<Config, 'folder' | 'places'>,
  target: Target,
): Promise<string> {
  const whole = isAbsolute(path) ? path : join(config.folder, path);
  const at = placeOf(config, ['targets', target.name, 'env-file']);
  const bytes = await readFile(whole).catch((error: NodeJS.ErrnoException) => error);
  if (bytes instanceof Error) {
    const why =
      bytes.code === 'ENOENT'
        ? 'does not exist'
        : bytes.code === 'EISDIR'
          ? 'is a folder'
          : `cannot be read (${bytes.code})`;
    throw new UserError({
      code: 'env.file-missing',
      message: `targets.${target.name}.env-file: ${path} ${why}`,
      hint: 'If the file is a CI secret, use env-secret with the NAME of the variable that contains its text.',
      ...at,
    });
  }
  const decoded = bytes.length > maxFile ? { fault: 'The file is larger than 1 MiB' } : decodeUtf8(bytes);
  if ('text' in decoded) return decoded.text;
  throw new UserError({ code: 'env.encoding', message: decoded.fault, at: { file: path } });
}

async function readHostFile(
  path: string,
  config: Pick<Config, 'places'>,
  target: Target,
  effects: EnvEffects,
): Promise<string> {
  const text = await effects.readHostFile?.(path);
  if (text !== undefined) return text;
  throw new UserError({
    code: 'env.file-missing',
    message: `targets.${target.name}.host-env-file: ${path} does not exist on the host`,
    hint: 'Create it on the host, owned by the deploy user, with mode 0600.',
    ...placeOf(config, ['targets', target.name, 'host-env-file']),
  });
}

function missingError(config: Pick<Config, 'places'>, target: Target, absent: readonly Missing[]): UserError {
  const names = [...new Set(absent.map(({ name }) => name))];
  const verb = names.length === 1 ? 'is' : 'are';
  const [first] = absent;
  const set =
    first?.key === 'env-secret'
      ? `Set it to the text of the env file: export ${first.name}="$(cat .env.${target.name})".`
      : `Set ${names.length === 1 ? 'it' : 'them'} before you run Sluice.`;
  return new UserError({
    code: 'env.missing',
    message: `targets.${target.name}: ${names.join(', ')} ${verb} not set (or empty) where Sluice runs`,
    hint: `${set} In a workflow, pass it with "env:" from the secrets of the repository or environment.`,
    ...placeOf(config, ['targets', target.name, first?.key ?? 'env']),
  });
}

function sizeErrors(values: Env): UserError[] {
  const hint = 'Pass large values to the app as a file: a compose secret or config.';
  const bytes = Object.entries(values).map(([name, value]) => ({
    name,
    size: Buffer.byteLength(`${name}=${value}`),
  }));
  const errors = bytes
    .filter(({ size }) => size > maxVariable)
    .map(
      ({ name }) => new UserError({ code: 'env.too-large', message: `${name} is larger than 128 KiB`, hint }),
    );
  const nul = Object.keys(values).filter((name) => values[name]?.includes('\0'));
  for (const name of nul)
    errors.push(
      new UserError({ code: 'env.encoding', message: `${name} contains a NUL byte: no variable can`, hint }),
    );
  if (errors.length === 0 && bytes.reduce((sum, { size }) => sum + size, 0) > maxTotal) {
    errors.push(
      new UserError({ code: 'env.too-large', message: 'All variables together are larger than 1 MiB', hint }),
    );
  }
  return errors;
}

/** A short hash over names and values, salted with the app's name: tells one env version from another. */
export function envVersion(app: string, values: Env): string {
  const entries = Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([app, entries]))
    .digest('hex')
    .slice(0, 12);
}
