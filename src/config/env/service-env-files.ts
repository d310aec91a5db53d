import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { parse } from 'yaml';
import { UserError, UserErrors } from '../../kernel/errors.ts';
import {
  type ComposeCli,
  type ComposeEffects,
  dotenvOf,
  isAtLeast,
  privateFile,
  shownPath,
  textsOf,
} from '../compose/cli.ts';
import type { Env } from '../model.ts';
import { decodeUtf8 } from '../text-file.ts';
import { inheritedReserved } from './env.ts';
import { parseEnvFile } from './env-file.ts';
import { gitTop, readGitFiles } from './git-files.ts';
import { interpolate } from './interpolate.ts';

/** One `env_file` of a service, its path absolute and not yet interpolated. */
export interface EnvFileUse {
  readonly service: string;
  readonly path: string;
  readonly required: boolean;
  /** `raw` and whatever else Compose knows of it. */
  readonly rest: Readonly<Record<string, unknown>>;
}

type Decision = 'keep' | 'replace' | 'add' | 'drop';

/** Since then `--no-interpolate` tells the env files without reading them, and `!override` replaces a list. */
const overrideSince = '2.26.0';

/**
 * Services often say `env_file: .env`, and that file is not in the repository: the target's variables are. They take
 * its place, by an overlay for Compose and a private file that is gone when Compose has read it. (A file of names
 * alone would not do: Compose then prefers values of the env files before it.)
 *
 * A file that git ignores is missing in a fresh clone, so it does not count on a laptop either: its variables are the
 * target's. So are those of a `.env` that git does not track.
 *
 * - a missing file: replaced if it is a `.env`, `.env.*` or `*.env`, or if git ignores it; else an error;
 * - a `.env` that git tracks: kept, and the target's variables come on top of it;
 * - any other file: kept.
 *
 * @param about `isPartial`: some of the target's variables are not known here (`host-env-file`). `absent`: reserved
 *   variables of the job that no file may take over by their names.
 * @returns the overlay's path, or undefined if no file is replaced.
 * @throws UserError(s) `compose.env-file`, `compose.too-old`, and `env.*` for what is wrong in a file that is kept.
 */
export async function overlayEnvFiles(
  cli: ComposeCli,
  env: Env,
  folder: string,
  effects: ComposeEffects,
  { isPartial = false, absent = new Set() }: { isPartial?: boolean; absent?: ReadonlySet<string> } = {},
): Promise<string | undefined> {
  const texts = await textsOf(cli.files);
  if (!texts.some((text) => /\b(?:env_file|extends|include)\b/.test(text))) return undefined;

  const [probe, version] = await Promise.all([
    cli.run(['config', '--no-interpolate', '--format', 'json']),
    cli.version(),
  ]);
  const canOverride = isAtLeast(version, overrideSince);
  const uses = canOverride && probe.code === 0 ? usesInModel(probe.stdout) : usesInFiles(cli.files, texts);
  const decisions = await decide(uses, env, effects, isPartial, absent);
  const changed = [...decisions].filter(([, decision]) => decision !== 'keep');
  const [first] = changed;
  if (first === undefined) return undefined;
  if (!canOverride) throw tooOld(first[0], version);

  for (const [use, decision] of changed) effects.log?.detail(`${use.service}: ${wordsFor(decision, use)}`);
  const values = await privateFile(folder, 'target.env', dotenvOf(env));
  const services = new Set(changed.map(([use]) => use.service));
  const concerned = new Map([...decisions].filter(([use]) => services.has(use.service)));
  return privateFile(folder, 'overlay.yml', overlayOf(concerned, values, dirname(cli.files[0] ?? '')));
}

function wordsFor(decision: Decision, { path }: EnvFileUse): string {
  if (decision === 'drop') return `${basename(path)} is left out: a fresh clone does not have it`;
  const how = decision === 'add' ? 'override' : 'replace';
  return `the target's variables ${how} ${basename(path)}`;
}

/** Whether a file belongs to the repository. Without git, or outside of a repository, it does not. */
export async function isTracked(file: string, effects: ComposeEffects): Promise<boolean> {
  if (gitTop(dirname(file)) === undefined) return false;
  const { ignored, untracked, problems } = await readGitFiles([file], effects);
  return !ignored.has(file) && !untracked.has(file) && problems.length === 0;
}

async function decide(
  uses: readonly EnvFileUse[],
  env: Env,
  effects: ComposeEffects,
  isPartial: boolean,
  absent: ReadonlySet<string>,
): Promise<Map<EnvFileUse, Decision>> {
  const hasEnv = isPartial || Object.keys(env).length > 0;
  const decisions = new Map<EnvFileUse, Decision>();
  const errors: UserError[] = [];
  const files = uses.map((use) => {
    const path = interpolate(use.path, (name) => env[name]);
    // A variable that is missing here is missing in the compose file, and reported there.
    return { use, file: typeof path === 'string' ? path : use.path, isKnown: typeof path === 'string' };
  });
  const { ignored } = await readGitFiles(
    files.map(({ file }) => file),
    effects,
  );
  for (const { use, file, isKnown } of files) {
    const isIgnored = ignored.has(file);
    const isDefault = basename(file) === '.env';
    const isOurs = /^\.env(?:\..+)?$|\.env$/.test(basename(file)) || isIgnored;
    const isLocal = isIgnored || (isDefault && !(await isTracked(file, effects)));
    const exists = (await stat(file).catch(() => undefined))?.isFile() === true;
    const isThere = exists && !isLocal;
    if (isThere && isDefault && hasEnv) decisions.set(use, 'add');
    else if (isThere) {
      decisions.set(use, 'keep');
      errors.push(...(await faultsIn(file, use, env, absent)));
    } else if (isOurs && hasEnv) decisions.set(use, 'replace');
    else {
      // An optional file that is only here must not be read only here.
      decisions.set(use, exists && !use.required ? 'drop' : 'keep');
      if (use.required && isKnown) errors.push(missingFile(use, file, hasEnv, isIgnored));
    }
  }
  if (errors.length > 0) throw new UserErrors(errors);
  return decisions;
}

/** Compose would put an empty text where a value refers to nothing, and print the rest of the password as its name. */
async function faultsIn(
  file: string,
  use: EnvFileUse,
  env: Env,
  absent: ReadonlySet<string>,
): Promise<readonly UserError[]> {
  const decoded = decodeUtf8(await readFile(file));
  if ('fault' in decoded)
    return [new UserError({ code: 'env.encoding', message: decoded.fault, at: { file: shownPath(file) } })];
  if (use.rest.format === 'raw') return [];
  try {
    const { inherited } = parseEnvFile(decoded.text, shownPath(file), { lookup: (name) => env[name] });
    return inherited
      .filter(({ name }) => absent.has(name))
      .map(({ name, line, column }) => inheritedReserved(name, { file: shownPath(file), line, column }));
  } catch (error) {
    if (error instanceof UserErrors) return error.errors;
    throw error;
  }
}

function missingFile(use: EnvFileUse, file: string, hasEnv: boolean, isIgnored: boolean): UserError {
  const why = isIgnored ? 'is ignored by git, so a fresh clone does not have it' : 'does not exist';
  return new UserError({
    code: 'compose.env-file',
    message: `services.${use.service}.env_file: ${shownPath(file)} ${why}`,
    hint: hasEnv
      ? 'If it contains secrets, name it .env or NAME.env, so that the target’s variables replace it. Otherwise commit it.'
      : 'Set the target’s variables in sluice.yml with env-file, env-secret, env or host-env-file. They replace the file.',
  });
}

function tooOld(use: EnvFileUse, version: string | undefined): UserError {
  return new UserError({
    code: 'compose.too-old',
    message: `services.${use.service}.env_file: Docker Compose ${version} cannot replace ${basename(use.path)} with the target’s variables`,
    hint: `Install Docker Compose ${overrideSince} or newer where Sluice runs, or list the variables under \`environment:\` of the service.`,
  });
}

function overlayOf(decisions: ReadonlyMap<EnvFileUse, Decision>, values: string, folder: string): string {
  const services = new Map<string, Record<string, unknown>[]>();
  for (const [use, decision] of decisions) {
    const list = services.get(use.service) ?? [];
    services.set(use.service, list);
    if (decision === 'keep' || decision === 'add')
      list.push({ ...use.rest, path: escapeFolder(use.path, folder), required: use.required });
    if (decision === 'add' || decision === 'replace')
      list.push({ path: values.replaceAll('$', '$$$$'), required: true });
  }
  // JSON is YAML; the tag makes Compose take these lists instead of adding them to the others.
  const lines = [...services].map(
    ([name, list]) => `  ${JSON.stringify(name)}: { env_file: !override ${JSON.stringify(list)} }\n`,
  );
  return `services:\n${lines.join('')}`;
}

/** The path is interpolated when the overlay is read; a dollar in the folder's own name is none of that. */
function escapeFolder(path: string, folder: string): string {
  return path.startsWith(`${folder}/`) ? folder.replaceAll('$', '$$$$') + path.slice(folder.length) : path;
}

function usesInModel(json: string): EnvFileUse[] {
  const model = JSON.parse(json) as { services?: Record<string, { env_file?: unknown }> };
  return Object.entries(model.services ?? {}).flatMap(([service, { env_file }]) =>
    usesOf(service, env_file, ''),
  );
}

/** For a Compose that does not tell: what the files themselves say, without what they extend and include. */
function usesInFiles(files: readonly string[], texts: readonly string[]): EnvFileUse[] {
  return texts.flatMap((text, index) => {
    let services: unknown;
    try {
      services = (parse(text, { merge: true, logLevel: 'silent' }) as { services?: unknown } | null)
        ?.services;
    } catch {
      return [];
    }
    if (services === null || typeof services !== 'object') return [];
    return Object.entries(services).flatMap(([name, service]: [string, { env_file?: unknown } | null]) =>
      usesOf(name, service?.env_file, dirname(files[0] ?? files[index] ?? '')),
    );
  });
}

function usesOf(service: string, value: unknown, folder: string): EnvFileUse[] {
  const list = value === undefined || value === null ? [] : Array.isArray(value) ? value : [value];
  return list.flatMap((item: unknown): EnvFileUse[] => {
    const { path, required, ...rest } = (typeof item === 'string' ? { path: item } : item) as Record<
      string,
      unknown
    >;
    if (typeof path !== 'string') return [];
    const whole = isAbsolute(path) ? path : join(folder, path);
    return [{ service, path: whole, required: required !== false && required !== 'false', rest }];
  });
}
