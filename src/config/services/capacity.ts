import type { ComposeModel, ComposeService, ServiceConfig, ServicePlan } from '../model.ts';
import { parseBytes } from '../sluice-yml/human.ts';
import { postgresSettings } from './postgres-settings.ts';
import { type ImageHints, processesOf, processMemoryOf } from './processes.ts';
import { imageKind } from './stores.ts';

/**
 * Capacity arithmetic: the load of a host while both colors run. Shared by the preflight, the doctor
 * and the checks.
 */
export interface MemoryBudget {
  /** Sum of the limits of everything that runs during a deploy, both colors counted; bytes. */
  readonly needed: number;
  readonly lines: readonly {
    readonly service: string;
    readonly containers: number;
    readonly limit: number;
  }[];
  /** Services without a limit, which the sum does not include. */
  readonly unlimited: readonly string[];
}

export function memoryBudget(model: ComposeModel, services: readonly ServicePlan[]): MemoryBudget {
  const running = services.filter((plan) => plan.strategy !== 'job');
  const lines = running.flatMap((plan) => {
    const limit = memoryLimit(model.services[plan.name]);
    return limit === undefined
      ? []
      : [{ service: plan.name, containers: containersDuringDeploy(plan), limit }];
  });
  const limited = new Set(lines.map((line) => line.service));
  return {
    needed: lines.reduce((sum, line) => sum + line.containers * line.limit, 0),
    lines,
    unlimited: running.map((plan) => plan.name).filter((name) => !limited.has(name)),
  };
}

/** Peak memory of the processes of one service. */
export interface MemoryDemand {
  readonly service: string;
  readonly processes: number;
  /** Bytes of one process. */
  readonly perProcess: number;
  /** Bytes of one container: more than its limit gets it killed. */
  readonly needed: number;
  readonly limit: number | undefined;
  readonly containers: number;
}

/** processes × memory of each, for the services where both are known. */
export function memoryDemand(
  model: ComposeModel,
  services: readonly ServicePlan[],
  config: Readonly<Record<string, ServiceConfig>>,
  hints: Readonly<Record<string, ImageHints>> = {},
): MemoryDemand[] {
  return services.flatMap((plan) => {
    const service = model.services[plan.name];
    if (service === undefined) return [];
    const perProcess = config[plan.name]?.processMemory ?? processMemoryOf(service, hints[plan.name]);
    if (perProcess === undefined) return [];
    const processes = config[plan.name]?.processes ?? processesOf(service, hints[plan.name]).count;
    const needed = processes * perProcess;
    const containers = containersDuringDeploy(plan);
    return [{ service: plan.name, processes, perProcess, needed, limit: memoryLimit(service), containers }];
  });
}

export interface ConnectionBudget {
  /** Concurrent connections to the database during a deploy. */
  readonly needed: number;
  /** max_connections of the database, less the three that Postgres reserves for superusers. */
  readonly available: number;
  readonly lines: readonly {
    readonly service: string;
    readonly containers: number;
    readonly processes: number;
    readonly pool: number;
  }[];
  /** PgBouncer between the services and the database: it opens `pool` connections, whatever its clients open. */
  readonly pooler?: {
    readonly service: string;
    readonly clients: number;
    readonly maxClients: number;
    readonly pool: number;
  };
}

const reservedForSuperusers = 3;

/**
 * @param database the Postgres service.
 * @returns undefined when no service's pool is known: then there is nothing to add up.
 */
export function connectionBudget(
  model: ComposeModel,
  services: readonly ServicePlan[],
  config: Readonly<Record<string, ServiceConfig>>,
  database: string,
  hints: Readonly<Record<string, ImageHints>> = {},
): ConnectionBudget | undefined {
  const lines = services.flatMap((plan) => {
    const service = model.services[plan.name];
    if (service === undefined || plan.name === database || plan.strategy === 'job') return [];
    const pool = config[plan.name]?.pool ?? poolFromEnvironment(service) ?? hints[plan.name]?.pool;
    if (pool === undefined) return [];
    const processes = config[plan.name]?.processes ?? processesOf(service, hints[plan.name]).count;
    return [{ service: plan.name, containers: containersDuringDeploy(plan), processes, pool }];
  });
  if (lines.length === 0) return undefined;
  const sum = (some: typeof lines) =>
    some.reduce((total, line) => total + line.containers * line.processes * line.pool, 0);
  const settings = postgresSettings(model.services[database] ?? {});
  const available = settings.maxConnections - reservedForSuperusers;
  const bouncer = poolerOf(model);
  if (bouncer === undefined) return { needed: sum(lines), available, lines };
  const through = lines.filter((line) => speaksTo(model.services[line.service], bouncer.service));
  const needed = sum(lines.filter((line) => !through.includes(line))) + bouncer.pool;
  return { needed, available, lines, pooler: { ...bouncer, clients: sum(through) } };
}

/** The budgets of several hosts as one: they share the database, and the one PgBouncer before it. */
export function sharedBudget(budgets: readonly ConnectionBudget[]): ConnectionBudget | undefined {
  const [first] = budgets;
  if (first === undefined) return undefined;
  const poolers = budgets.flatMap(({ pooler }) => pooler ?? []);
  const direct = budgets.reduce((sum, { needed, pooler }) => sum + needed - (pooler?.pool ?? 0), 0);
  const lines = budgets.flatMap((budget) => budget.lines);
  const [pooler] = poolers;
  if (pooler === undefined) return { needed: direct, available: first.available, lines };
  const clients = poolers.reduce((sum, budget) => sum + budget.clients, 0);
  return { needed: direct + pooler.pool, available: first.available, lines, pooler: { ...pooler, clients } };
}

/** PgBouncer with its limits, by the variables of the images that are in use; its defaults are 100 and 20. */
function poolerOf(model: ComposeModel) {
  const found = Object.entries(model.services).find(([, service]) => imageKind(service) === 'pgbouncer');
  if (found === undefined) return undefined;
  const [service, { environment }] = found;
  const number = (name: string, fallback: number) => {
    const value = Number(environment?.[name] ?? environment?.[`PGBOUNCER_${name}`] ?? fallback);
    return Number.isInteger(value) && value > 0 ? value : fallback;
  };
  return { service, maxClients: number('MAX_CLIENT_CONN', 100), pool: number('DEFAULT_POOL_SIZE', 20) };
}

/** A service speaks to another when one of its variables names it as a host. */
function speaksTo(service: ComposeService | undefined, host: string): boolean {
  const word = new RegExp(`(?:^|[@/])${host.replaceAll(/[^\w-]/g, '\\$&')}(?=$|[:/?])`);
  return Object.values(service?.environment ?? {}).some((value) => word.test(value ?? ''));
}

/** Services with two colors run twice during a deploy. */
function containersDuringDeploy(plan: ServicePlan): number {
  return plan.strategy === 'blue-green' || plan.strategy === 'workers' ? plan.replicas * 2 : plan.replicas;
}

export function memoryLimit(service: ComposeService | undefined): number | undefined {
  const limit = service?.deploy?.resources?.limits?.memory ?? service?.mem_limit;
  const bytes = limit === undefined || limit === null ? undefined : parseBytes(String(limit));
  // Docker takes 0 for no limit. Source: https://docs.docker.com/reference/compose-file/deploy/#resources
  return bytes === 0 ? undefined : bytes;
}

/** SQLAlchemy's two numbers by their usual names, whose sum a process opens at most; Prisma's in its URL. */
function poolFromEnvironment(service: ComposeService): number | undefined {
  const url = Object.values(service.environment ?? {}).find((value) =>
    /[?&]connection_limit=\d/.test(value ?? ''),
  );
  if (url !== undefined) return Number(/connection_limit=(\d+)/.exec(url ?? '')?.[1]);
  const number = (name: string) => Number(service.environment?.[name] ?? Number.NaN);
  const size = [number('DB_POOL_SIZE'), number('POOL_SIZE'), number('SQLALCHEMY_POOL_SIZE')].find(
    Number.isFinite,
  );
  if (size === undefined) return undefined;
  const overflow = [number('DB_MAX_OVERFLOW'), number('MAX_OVERFLOW'), number('SQLALCHEMY_MAX_OVERFLOW')];
  return size + (overflow.find(Number.isFinite) ?? 0);
}
