import { access, readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { UserError, UserErrors } from '../../kernel/errors.ts';
import { isTracked, overlayEnvFiles } from '../env/service-env-files.ts';
import type { ComposeModel, Config, Env } from '../model.ts';
import { refusal, reservedHere } from '../secrets/compose-requests.ts';
import type { ReservedSight } from '../secrets/reserved.ts';
import { type ComposeCli, type ComposeEffects, composeCli, withPrivateFolder } from './cli.ts';
import { composeFailure, missingVariables, unsetVariables } from './errors.ts';
import { machineVariables } from './faults.ts';
import { canonicalModel, parseModel } from './shape.ts';
import {
  type ComposeText,
  composeTexts,
  placeOfEntry,
  type WrittenCompose,
  writtenSources,
} from './written.ts';

/** The compose files of the app: resolved, and what they say themselves. */
export interface LoadedCompose {
  readonly model: ComposeModel;
  readonly written: WrittenCompose;
}

export interface LoadOptions {
  /**
   * Some of the target's variables are not known here (`host-env-file`): one that is not set is empty then, and no
   * error.
   */
  readonly unknownVariables?: boolean;
  /**
   * Credentials of the job that a service takes over by name alone (`environment: [GITHUB_TOKEN]`) are errors, and not
   * left out in silence.
   */
  readonly refuseReserved?: ReservedSight;
}

/**
 * The compose files of the app, resolved by `docker compose config` with a target's variables: merged, interpolated,
 * with `extends`, `include`, `env_file`, profiles (COMPOSE_PROFILES of the target) and absolute paths. Needs the
 * docker CLI and its compose plugin (2.20 or newer) and no engine.
 *
 * In all texts of the model `$` is written `$$`, as Compose prints and reads it: the model can be given to
 * `docker compose -f - up` as it is. Use {@link plain} to read a value.
 *
 * @param env all variables the files may use. Nothing of Sluice's own environment reaches them.
 * @throws UserError(s) `compose.*`, `env.*`; none holds a value of `env`.
 */
export async function loadComposeModel(
  config: Pick<Config, 'app' | 'folder' | 'compose'>,
  env: Env,
  effects: ComposeEffects,
): Promise<ComposeModel> {
  return (await loadCompose(config, env, effects)).model;
}

/** {@link loadComposeModel} with what the files say before paths are absolute. */
export function loadCompose(
  config: Pick<Config, 'app' | 'folder' | 'compose'>,
  env: Env,
  effects: ComposeEffects,
  { unknownVariables = false, refuseReserved }: LoadOptions = {},
): Promise<LoadedCompose> {
  return withPrivateFolder(async (folder) => {
    const base = await trackedEnvFile(config, effects);
    const cli = await composeCli(config, env, effects, folder, base);
    const files = await composeTexts(cli.files);
    const reserved =
      refuseReserved === undefined || unknownVariables ? [] : reservedHere(effects.env, refuseReserved);
    const absent = new Set(reserved.filter((name) => env[name] === undefined));
    const overlay = await overlayEnvFiles(cli, env, folder, effects, { isPartial: unknownVariables, absent });
    const more = overlay === undefined ? [] : [overlay];
    const [result, [sources]] = await Promise.all([
      cli.run(['config', '--format', 'json'], more),
      // Settled: the run beside it has the better error, and neither goes on when the folder is gone.
      Promise.allSettled([writtenSources(cli, files, more)]),
    ]);

    const unknown = unsetVariables(result.stderr);
    const unset = [
      // An empty value may be what Compose does not accept.
      ...(unknownVariables && result.code === 0 ? [] : unknown),
      ...(await machineVariables(cli.files, env)),
    ];
    if (unset.length > 0) throw await missingVariables(unset, cli.files);
    if (result.code !== 0) throw await composeFailure(cli, result.stderr, env);
    const model = canonicalModel(parseModel(result.stdout));
    if (Object.keys(model.services).length === 0) throw await withoutServices(cli, more, env);
    if (!unknownVariables) checkEnvironmentSecrets(model, env, files);
    if (sources.status === 'rejected') throw sources.reason;
    const taken = takenOver(model, absent);
    if (taken.length > 0)
      throw new UserErrors(taken.map((secret) => refusal(secret, files, refuseReserved ?? {})));
    const envFile = base === undefined ? new Set<string>() : await namesIn(base);
    return { model, written: { sources: sources.value, files, envFile } };
  });
}

/** Variables that services take over by their names, and that have no value. */
function takenOver({ services }: ComposeModel, names: ReadonlySet<string>) {
  return Object.entries(services).flatMap(([service, { environment = {} }]) =>
    Object.entries(environment)
      .filter(([name, value]) => value === null && names.has(name))
      .map(([name]) => ({ name, key: `services.${service}.environment` })),
  );
}

/** Names of the variables of an env file that Compose has accepted. */
export async function namesIn(file: string): Promise<ReadonlySet<string>> {
  const text = await readFile(file, 'utf8');
  return new Set(
    [...text.matchAll(/^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*[=:]/gm)].map(([, name = '']) => name),
  );
}

/** A text of the model as the container sees it: `$$` stands for `$`. */
export function plain(text: string): string {
  return text.replaceAll('$$', '$');
}

/** A `.env` that is part of the repository holds defaults: Compose reads it, and so do we. */
export async function trackedEnvFile(
  config: Pick<Config, 'folder' | 'compose'>,
  effects: ComposeEffects,
): Promise<string | undefined> {
  const first = config.compose[0] ?? '';
  const file = join(dirname(isAbsolute(first) ? first : join(config.folder, first)), '.env');
  const exists = await access(file).then(
    () => true,
    () => false,
  );
  return exists && (await isTracked(file, effects)) ? file : undefined;
}

/** `secrets: { x: { environment: NAME } }` is read when containers start, so Compose does not miss it here. */
function checkEnvironmentSecrets(model: ComposeModel, env: Env, files: readonly ComposeText[]): void {
  const missing = (['secrets', 'configs'] as const).flatMap((kind) =>
    Object.entries(model[kind] ?? {}).flatMap(([name, { environment }]) =>
      environment === undefined || env[environment] !== undefined ? [] : [{ kind, name, environment }],
    ),
  );
  const [first] = missing;
  if (first === undefined) return;
  const list = missing.map(({ name, environment }) => `${environment} (for ${name})`).join(', ');
  const at = placeOfEntry(files, first.kind, first.name);
  throw new UserError({
    code: 'compose.variable',
    message: `Secrets and configs use variables that the target does not set: ${list}`,
    hint: 'Add them to the target’s variables.',
    ...(at === undefined ? {} : { at }),
  });
}

/**
 * No service is left: an app that deploys nothing is a mistake, never a success.
 *
 * @returns `compose.profiles` where profiles hide the services, else `compose.invalid`.
 */
export async function withoutServices(
  cli: ComposeCli,
  more: readonly string[],
  env: Env,
): Promise<UserError> {
  const all = await cli.run(['--profile', '*', 'config', '--format', 'json'], more);
  const services = Object.entries(all.code === 0 ? servicesIn(all.stdout) : {});
  const profiles = [...new Set(services.flatMap(([, service]) => service.profiles ?? []))].sort();
  if (profiles.length === 0) {
    return new UserError({
      code: 'compose.invalid',
      message: 'The compose files have no services',
      hint: 'Set `compose:` in sluice.yml to the compose files of the app.',
    });
  }
  const list = services
    .map(([name, service]) => `${name} (${(service.profiles ?? []).join(', ')})`)
    .join(', ');
  const chosen =
    env['COMPOSE_PROFILES'] === undefined
      ? 'no profile is active'
      : 'COMPOSE_PROFILES of the target activates none of them';
  return new UserError({
    code: 'compose.profiles',
    message: `Nothing to deploy: all services are behind profiles, and ${chosen}: ${list}`,
    hint: `Set COMPOSE_PROFILES in the target’s variables${suggestion(profiles)}.`,
  });
}

/** One of many is a guess, unless its name says that it is the usual one. */
function suggestion(profiles: readonly string[]): string {
  const usual = profiles.find((name) => /^(?:default|prod|production|all|full)$/.test(name));
  if (usual !== undefined) return `, such as COMPOSE_PROFILES=${usual}`;
  return profiles.length > 3 ? '' : `, such as COMPOSE_PROFILES=${profiles.join(',')}`;
}

function servicesIn(text: string): Record<string, { profiles?: string[] }> {
  try {
    return (JSON.parse(text) as { services?: Record<string, { profiles?: string[] }> }).services ?? {};
  } catch {
    return {};
  }
}
