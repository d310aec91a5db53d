import { parse } from 'yaml';
import { UserErrors } from '../../kernel/errors.ts';
import { overlayEnvFiles } from '../env/service-env-files.ts';
import type { ComposeBuild, ComposeModel, ComposeService, Config, Env } from '../model.ts';
import { type ReservedRequest, refusal, reservedInBuilds } from '../secrets/compose-requests.ts';
import type { ReservedSight } from '../secrets/reserved.ts';
import { type ComposeCli, type ComposeEffects, composeCli, textsOf, withPrivateFolder } from './cli.ts';
import { composeFailure, missingVariables, unsetVariables } from './errors.ts';
import { machineVariables } from './faults.ts';
import { namesIn, trackedEnvFile, withoutServices } from './load.ts';
import { canonicalModel, parseModel } from './shape.ts';
import { composeTexts } from './written.ts';

/** The compose files as a build needs them. */
export interface BuildModel extends ComposeModel {
  /** Services with `build:` behind profiles that are not active: not deployed, but others may be built from them. */
  readonly inactive?: Readonly<Record<string, ComposeService>>;
}

/**
 * The compose files as a build needs them. A build runs where the secrets of production are not, so a variable that
 * is not set is an error only if the build itself uses it: in `build:` or in the image's name. So is one of the job's
 * credentials.
 *
 * @throws UserError(s) `compose.*`, `env.*`.
 */
export function loadBuildModel(
  config: Pick<Config, 'app' | 'folder' | 'compose'> & ReservedSight,
  env: Env,
  effects: ComposeEffects,
): Promise<BuildModel> {
  return withPrivateFolder(async (folder) => {
    const base = await trackedEnvFile(config, effects);
    const cli = await composeCli(config, env, effects, folder, base);
    const overlay = await overlayEnvFiles(cli, env, folder, effects);
    const more = overlay === undefined ? [] : [overlay];
    const known = base === undefined ? new Set<string>() : await namesIn(base);
    const [result, bakeKeys, all, reserved] = await Promise.all([
      cli.run(['config', '--format', 'json'], more),
      readBakeKeys(cli, more),
      withAllProfiles(cli, more),
      reservedInBuilds(cli, { config, env, known, folder, base, more }, effects),
    ]);
    if (result.code !== 0) await refuse(reserved, cli, config);
    const parsed = result.code === 0 ? parseModel(result.stdout) : { services: {} };
    const isActive = (name: string) => Object.hasOwn(parsed.services as object, name);
    const active = reserved.filter(({ service }) => service === undefined || isActive(service));
    await refuse(active, cli, config);
    const missing = [...unsetVariables(result.stderr), ...(await machineVariables(cli.files, env))];
    const unset = await usedByBuilds(missing, cli, more);
    if (unset.length > 0) throw await missingVariables(unset, cli.files, 'build');
    if (result.code !== 0) throw await composeFailure(cli, result.stderr, env);
    const model = withBakeKeys(canonicalModel(parsed), bakeKeys);
    if (Object.keys(model.services).length === 0) throw await withoutServices(cli, more, env);
    // One that asks for a credential is ignored: no image is built from it.
    const asks = new Set(reserved.map(({ service }) => service));
    const inactive = Object.entries(all).filter(
      ([name, { build }]) => build !== undefined && !isActive(name) && !asks.has(name),
    );
    return inactive.length === 0 ? model : { ...model, inactive: Object.fromEntries(inactive) };
  });
}

async function refuse(
  requests: readonly ReservedRequest[],
  cli: ComposeCli,
  config: ReservedSight,
): Promise<void> {
  if (requests.length === 0) return;
  const texts = await composeTexts(cli.files);
  throw new UserErrors(requests.map((request) => refusal(request, texts, config)));
}

/** All services, whatever their profiles. Faults of inactive ones do not fail this build. */
async function withAllProfiles(
  cli: ComposeCli,
  more: readonly string[],
): Promise<Readonly<Record<string, ComposeService>>> {
  const texts = await textsOf(cli.files);
  if (!texts.some((text) => /\b(?:profiles|extends|include)\b/.test(text))) return {};
  const config = ['--profile', '*', 'config', '--format', 'json'];
  const { code, stdout, stderr } = await cli.run(config, more);
  if (code !== 0) return {};
  const unset = unsetVariables(stderr);
  const raw = unset.length === 0 ? undefined : await cli.run([...config, '--no-interpolate'], more);
  try {
    const { services } = canonicalModel(parseModel(stdout));
    if (raw === undefined) return services;
    // A build that needs a variable that is not set must not run with an empty one.
    const written = parseModel(raw.stdout).services as Record<string, ComposeService>;
    const sure = Object.entries(services).filter(([name]) => {
      const { build, image } = written[name] ?? {};
      const text = JSON.stringify([build, image]);
      return !unset.some((variable) => new RegExp(`\\$\\{?${variable}\\b`).test(text));
    });
    return Object.fromEntries(sure);
  } catch {
    return {};
  }
}

/** Those of the names that `build:` or `image:` of a service that is built refers to. */
async function usedByBuilds(
  names: readonly string[],
  cli: ComposeCli,
  more: readonly string[],
): Promise<string[]> {
  if (names.length === 0) return [];
  const raw = await cli.run(['config', '--no-interpolate', '--format', 'json'], more);
  if (raw.code !== 0) return [...names];
  const services = Object.values(parseModel(raw.stdout).services as Record<string, ComposeService>);
  const built = services.filter(({ build }) => build !== undefined);
  const text = JSON.stringify(built.map(({ build, image }) => [build, image]));
  return names.filter((name) => new RegExp(`\\$\\{?${name}\\b`).test(text));
}

/** Compose 2.26 leaves `x-bake` out of its JSON and prints it in its YAML. */
async function readBakeKeys(
  cli: ComposeCli,
  more: readonly string[],
): Promise<Readonly<Record<string, ComposeBuild['x-bake']>>> {
  const texts = await textsOf(cli.files);
  if (!texts.some((text) => /\b(?:x-bake|extends|include)\b/.test(text))) return {};
  const printed = await cli.run(['config', '--format', 'yaml'], more);
  if (printed.code !== 0) return {};
  const model = parse(printed.stdout) as { services?: Record<string, { build?: ComposeBuild }> };
  return Object.fromEntries(
    Object.entries(model.services ?? {}).map(([name, service]) => [name, service.build?.['x-bake']]),
  );
}

function withBakeKeys(
  model: ComposeModel,
  keys: Readonly<Record<string, ComposeBuild['x-bake']>>,
): ComposeModel {
  const services = Object.entries(model.services).map(([name, service]) => {
    const own = Object.hasOwn(keys, name) ? keys[name] : undefined;
    const build =
      own === undefined || typeof service.build !== 'object'
        ? service.build
        : { ...service.build, 'x-bake': own };
    return [name, build === undefined ? service : { ...service, build }] as const;
  });
  return { ...model, services: Object.fromEntries(services) };
}
