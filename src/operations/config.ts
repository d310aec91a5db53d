import { basename, posix } from 'node:path';
import { rawService } from '../config/compose/written.ts';
import { loadEnv } from '../config/env/env.ts';
import { textsIn, usesIn } from '../config/env/interpolate.ts';
import type { ComposeService, Config, EnvSource, ServicePlan, Target } from '../config/model.ts';
import { describeHost, type ResolvedHost, type ResolveEffects } from '../config/resolve.ts';
import { UserError, UserErrors, userErrorsOf } from '../kernel/errors.ts';
import type { OperationContext } from './context.ts';
import { asking, loadTarget } from './deploy/open.ts';

/** A service as `sluice config` shows it. */
export interface ServiceView {
  readonly name: string;
  readonly strategy: ServicePlan['strategy'];
  /** Where the strategy comes from. */
  readonly why: string;
  readonly replicas: number;
  /** As in the compose files: variables by name. */
  readonly image: string | undefined;
  /** Build context and Dockerfile, if the image is built here. */
  readonly build: string | undefined;
  /** Its names for other containers, by network. */
  readonly names: Readonly<Record<string, readonly string[]>>;
  /** Container ports that the edge listens on. */
  readonly ports: ServicePlan['ports'];
  /** Ports of the server. */
  readonly published: readonly string[];
  readonly health: string | undefined;
  readonly mounts: readonly { readonly source: string; readonly target: string; readonly handling: string }[];
  readonly volumes: readonly { readonly name: string | undefined; readonly target: string }[];
  readonly hosts: readonly string[];
  readonly notes: readonly string[];
}

/** A variable by name, never with its value. */
export interface VariableView {
  readonly name: string;
  /** `file .env.production`, `secret PROD_ENV`, `environment`, `compose default`, `not known here`. */
  readonly from: string;
}

/** The resolved model of a target. */
export interface ConfigView {
  readonly app: string;
  readonly target: string;
  readonly hosts: readonly string[];
  readonly compose: readonly string[];
  readonly registry: string | undefined;
  readonly services: readonly ServiceView[];
  /** Services of the compose files that no host of the target runs. */
  readonly unplaced: readonly string[];
  readonly files: readonly { readonly name: string; readonly source: string; readonly handling: string }[];
  readonly variables: readonly VariableView[];
  /** Sources of variables that were not read, with the reason. */
  readonly unread: readonly string[];
  readonly migrate: { readonly service: string; readonly command: string } | undefined;
  readonly backup: { readonly postgres: string; readonly keep: number } | undefined;
  readonly notes: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * The model of a target as a deploy uses it, only from files of this machine: without a connection to a server, and
 * without a Docker engine.
 *
 * @param targetName optional if there is only one target.
 * @returns the model, and the errors that make a deploy refuse it.
 * @throws UserError(s) for files that cannot be read or resolved: `config.*`, `env.*`, `compose.*`.
 */
export async function resolvedConfig(
  context: OperationContext,
  targetName: string | undefined,
): Promise<{ readonly view: ConfigView; readonly faults: readonly UserError[] }> {
  const { config, target, effects } = await loadTarget(context, targetName);
  const asked = asking(config, effects);
  const hosts = await Promise.all(
    target.hosts.map((host) => describeHost(config, target, host, asked, { unread: 'all' })),
  ).catch(async (error: unknown) => {
    throw await withUnread(error, config, target, effects.env);
  });
  const faults = new Map(
    hosts.flatMap((host) => host.faults).map((fault) => [`${fault.code} ${fault.message}`, fault]),
  );
  return { view: configView(config, target, hosts), faults: [...faults.values()] };
}

/** Adds to errors about missing variables the sources that were not read and may have them. */
async function withUnread(
  error: unknown,
  config: Config,
  target: Target,
  env: ResolveEffects['env'],
): Promise<unknown> {
  const known = userErrorsOf(error);
  const [host] = target.hosts;
  if (host === undefined || known.every(({ code }) => code !== 'compose.variable')) return error;
  const { unread } = await loadEnv(config, target, host, { env, unread: 'all' });
  if (unread.length === 0) return error;
  return new UserErrors(
    known.map(({ code, message, hint, at }) => {
      const isVariable = code === 'compose.variable';
      const way = `Not read here: ${unread.join('; ')}. Set it where Sluice runs, or export the variables and list them in env.`;
      return new UserError({
        code,
        message: isVariable
          ? message.replace('that the target does not set', 'that are not known here')
          : message,
        ...(isVariable ? { hint: way } : hint === undefined ? {} : { hint }),
        ...(at === undefined ? {} : { at }),
      });
    }),
  );
}

/** @param hosts of the target, resolved, in its order. */
function configView(config: Config, target: Target, hosts: readonly ResolvedHost[]): ConfigView {
  const names = [...new Set(hosts.flatMap(({ services }) => services.map(({ name }) => name)))];
  const all = Object.keys(hosts[0]?.model.services ?? {});
  const { migrate, backup } = config;
  const command = migrate?.command;
  return {
    app: config.app,
    target: target.name,
    hosts: target.hosts.map(({ name }) => name),
    compose: config.compose,
    registry: config.registry,
    services: names.flatMap((name) => serviceView(name, hosts) ?? []),
    unplaced: all.filter((name) => !names.includes(name)),
    files: (hosts[0]?.mounts ?? [])
      .filter(({ key }) => !key.startsWith('services.'))
      .map(({ key, source, handling }) => ({ name: key, source, handling })),
    variables: variablesOf(target, hosts),
    unread: [...new Set(hosts.flatMap(({ unread }) => unread))],
    migrate:
      migrate === undefined
        ? undefined
        : {
            service: migrate.service,
            command: typeof command === 'string' ? command : (command ?? []).join(' '),
          },
    backup: backup === undefined ? undefined : { postgres: backup.service, keep: backup.keep },
    notes: [...new Set(hosts.flatMap(({ notes = [] }) => notes))],
    warnings: [...new Set(hosts.flatMap(({ warnings = [] }) => warnings))],
  };
}

function serviceView(name: string, hosts: readonly ResolvedHost[]): ServiceView | undefined {
  const running = hosts.filter(({ services }) => services.some((plan) => plan.name === name));
  const [first] = running;
  const plan = first?.services.find((servicePlan) => servicePlan.name === name);
  const service = first?.model.services[name];
  if (first === undefined || plan === undefined || service === undefined) return undefined;
  const prefix = `services.${name}:`;
  const { build } = service;
  return {
    name,
    strategy: plan.strategy,
    why: plan.reason,
    replicas: plan.replicas,
    image: rawService(first.written.files, name, 'image') ?? service.image,
    build: build === undefined ? undefined : buildText(build),
    names: namesOf(name, service),
    ports: plan.ports,
    published: (service.ports ?? []).flatMap(publishedText),
    health: plan.health,
    mounts: first.mounts
      .filter(({ key }) => key.startsWith(prefix))
      .map(({ key, source, handling, place }) => ({
        source,
        target: key.slice(prefix.length),
        handling: place === undefined ? handling : `${handling} on the server: ${place}`,
      })),
    volumes: (service.volumes ?? [])
      .filter(({ type }) => type === 'volume')
      .map(({ source, target }) => ({ name: source, target })),
    hosts: running.map(({ host }) => host.name),
    notes: plan.notes ?? [],
  };
}

function buildText(build: NonNullable<ComposeService['build']>): string {
  const {
    context = '.',
    dockerfile = 'Dockerfile',
    dockerfile_inline: inline,
    target,
  } = typeof build === 'string' ? { context: build } : build;
  const stage = target === undefined ? '' : `, stage ${target}`;
  if (inline !== undefined) return `dockerfile_inline of the compose file${stage}`;
  return `${posix.join(basename(context), dockerfile)}${stage}`;
}

function namesOf(name: string, { networks, network_mode: mode }: ComposeService): ServiceView['names'] {
  if (networks === undefined) return mode === undefined ? { default: [name] } : {};
  const all = Object.entries(networks).map(([network, own]) => {
    // An alias made of a variable that has no value here.
    const aliases = (own?.aliases ?? []).filter((alias) => alias !== '');
    return [network, [...new Set([name, ...aliases])]] as const;
  });
  return Object.fromEntries(all);
}

function publishedText({
  published,
  target,
  host_ip: ip,
  protocol,
}: NonNullable<ComposeService['ports']>[number]): string[] {
  if (published === undefined || published === '') return [];
  const address = ip === undefined ? '' : `${ip.includes(':') ? `[${ip}]` : ip}:`;
  return [
    `${address}${published}→${target}${protocol === undefined || protocol === 'tcp' ? '' : `/${protocol}`}`,
  ];
}

/** All variables that the target passes or the compose files use. */
function variablesOf(target: Target, hosts: readonly ResolvedHost[]): VariableView[] {
  const found = new Map<string, string>();
  for (const { envKeys, origins } of hosts) {
    for (const name of envKeys) found.set(name, originText(origins[name] ?? '', target.env));
  }
  for (const { written } of hosts) {
    for (const { name, fallback } of written.files.flatMap(({ data }) =>
      [...textsIn(data)].flatMap(({ text }) => usesIn(text)),
    )) {
      const from = written.envFile.has(name)
        ? '.env of the repository'
        : fallback === undefined
          ? 'not known here'
          : 'compose default';
      if (!found.has(name) || found.get(name) === 'compose default') found.set(name, found.get(name) ?? from);
      if (from === 'not known here' && found.get(name) === 'compose default') found.set(name, from);
    }
  }
  return [...found].map(([name, from]) => ({ name, from })).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** `.env.production:12` → `file .env.production`. */
function originText(origin: string, sources: readonly EnvSource[]): string {
  const source = origin.replace(/:\d+$/, '');
  if (source === 'the environment') return 'environment';
  if (sources.some((envSource) => envSource.kind === 'secret-file' && envSource.variable === source))
    return `secret ${source}`;
  if (sources.some((envSource) => envSource.kind === 'file' && envSource.path === source))
    return `file ${source}`;
  return `host ${source}`;
}
