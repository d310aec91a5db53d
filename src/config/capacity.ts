import type { ComposeModel, ComposeService, ServiceConfig, ServicePlan } from './model.ts';

/**
 * Capacity arithmetic: what a host must bear while both colours run. It lives once, for the preflight, the doctor
 * and the checks.
 */
export interface MemoryBudget {
  /** Sum of the limits of everything that runs during a deploy, both colours counted; bytes. */
  readonly needed: number;
  readonly lines: readonly {
    readonly service: string;
    readonly containers: number;
    readonly limit: number;
  }[];
  /** Services without a limit: the sum says nothing about them. */
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

export interface ConnectionBudget {
  /** Connections all processes may open at once during a deploy. */
  readonly needed: number;
  /** max_connections of the database, less the three that Postgres reserves for superusers. */
  readonly available: number;
  readonly lines: readonly {
    readonly service: string;
    readonly containers: number;
    readonly processes: number;
    readonly pool: number;
  }[];
}

const postgresDefault = 100;
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
): ConnectionBudget | undefined {
  const lines = services.flatMap((plan) => {
    const service = model.services[plan.name];
    if (service === undefined || plan.name === database || plan.strategy === 'job') return [];
    const pool = config[plan.name]?.pool ?? poolFromEnvironment(service);
    if (pool === undefined) return [];
    const processes = config[plan.name]?.processes ?? processesOf(service);
    return [{ service: plan.name, containers: containersDuringDeploy(plan), processes, pool }];
  });
  if (lines.length === 0) return undefined;
  return {
    needed: lines.reduce((sum, line) => sum + line.containers * line.processes * line.pool, 0),
    available: maxConnections(model.services[database]) - reservedForSuperusers,
    lines,
  };
}

/** Coloured services run twice while a deploy is under way. */
function containersDuringDeploy(plan: ServicePlan): number {
  return plan.strategy === 'blue-green' || plan.strategy === 'workers' ? plan.replicas * 2 : plan.replicas;
}

function memoryLimit(service: ComposeService | undefined): number | undefined {
  const limit = service?.deploy?.resources?.limits?.memory ?? service?.mem_limit;
  return limit === undefined || limit === null ? undefined : parseBytes(String(limit));
}

/** `512m`, `6G`, `1073741824`: bytes, in Docker's binary units. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?$/i.exec(text.trim());
  if (match === null) return undefined;
  const power = ['', 'k', 'm', 'g', 't'].indexOf((match[2] ?? '').toLowerCase());
  return Number(match[1]) * 1024 ** power;
}

/** SQLAlchemy's two numbers by their usual names: a process opens at most their sum. */
function poolFromEnvironment(service: ComposeService): number | undefined {
  const number = (name: string) => Number(service.environment?.[name] ?? Number.NaN);
  const size = [number('DB_POOL_SIZE'), number('POOL_SIZE'), number('SQLALCHEMY_POOL_SIZE')].find(
    Number.isFinite,
  );
  if (size === undefined) return undefined;
  const overflow = [number('DB_MAX_OVERFLOW'), number('MAX_OVERFLOW'), number('SQLALCHEMY_MAX_OVERFLOW')];
  return size + (overflow.find(Number.isFinite) ?? 0);
}

function processesOf(service: ComposeService): number {
  const command = (service.command ?? []).join(' ');
  const option = /(?:--concurrency|--workers|-w|-c)[= ](\d+)/.exec(command)?.[1];
  const variable = service.environment?.WEB_CONCURRENCY ?? service.environment?.WORKERS;
  const count = Number(option ?? variable ?? 1);
  return Number.isInteger(count) && count > 0 ? count : 1;
}

function maxConnections(service: ComposeService | undefined): number {
  const option = /max_connections\s*=\s*(\d+)/.exec((service?.command ?? []).join(' '))?.[1];
  return Number(option ?? postgresDefault);
}
