import type { ServicePlan } from '../../../config/model.ts';
import { type ConnectionBudget, connectionBudget } from '../../../config/services/capacity.ts';
import { isPostgres } from '../../../config/services/postgres-settings.ts';
import type { App } from '../app.ts';
import { hitAt } from '../compose/limits.ts';
import type { Hit, Rule } from '../rule.ts';
import { imageHints } from './hints.ts';

export const connections: Rule<App> = {
  id: 'capacity/connections',
  severity: 'high',
  level: 'fail',
  title: 'The database accepts all connections of both colors.',
  why: 'Each process has its own pool: replicas × processes × (pool + overflow), and twice that while both colors run. If the sum exceeds max_connections, requests fail with "too many clients" during a deploy.',
  fix: 'Lower the pool, the overflow or the processes, raise max_connections, or add PgBouncer.',
  source: {
    name: 'Postgres: max_connections',
    url: 'https://www.postgresql.org/docs/current/runtime-config-connection.html#GUC-MAX-CONNECTIONS',
  },
  example: {
    file: 'compose.yml',
    bad: `services:
  api:
    image: ghcr.io/acme/api:1.4
    command: gunicorn --workers 4 app:app
    environment: { DB_POOL_SIZE: "10", DB_MAX_OVERFLOW: "20" }
    expose: ["8000"]
  db:
    image: postgres:17
`,
    good: `services:
  api:
    image: ghcr.io/acme/api:1.4
    command: gunicorn --workers 4 app:app
    environment: { DB_POOL_SIZE: "5", DB_MAX_OVERFLOW: "5" }
    expose: ["8000"]
  db:
    image: postgres:17
`,
  },
  check: (app) => {
    const found = worstBudget(app);
    if (found === undefined) return [];
    const { budget, target, database } = found;
    const where = target === undefined ? '' : ` of ${target}`;
    const hits: Hit[] = [];
    if (budget.pooler !== undefined && budget.pooler.clients > budget.pooler.maxClients) {
      const { service, clients, maxClients } = budget.pooler;
      const message = `With both colors up to ${clients} connections to ${service}${where} (${termsOf(budget)}), which accepts ${maxClients}.`;
      hits.push({
        ...hitAt(app, service, message),
        fix: 'Raise MAX_CLIENT_CONN, or lower pools or processes.',
      });
    }
    if (budget.needed > budget.available) {
      const message = `With both colors up to ${budget.needed} connections to ${database}${where} (${termsOf(budget)}), which has ${budget.available} available.`;
      hits.push(hitAt(app, database, message));
    }
    return hits;
  },
};

function termsOf({ lines, pooler }: ConnectionBudget): string {
  const services = new Map<string, string[]>();
  for (const { service, containers, processes, pool } of lines)
    services.set(service, [...(services.get(service) ?? []), `${containers}×${processes}×${pool}`]);
  const terms = [...services].map(([service, parts]) => `${service} ${parts.join(' + ')}`).join(', ');
  return pooler === undefined ? terms : `${terms}; ${pooler.service} opens ${pooler.pool}`;
}

interface Budgeted {
  readonly budget: ConnectionBudget;
  readonly target: string | undefined;
  readonly database: string;
}

/** The budget of the target that needs the most: the processes of all its hosts share one database. */
export function worstBudget(app: App): Budgeted | undefined {
  const { project, services, config } = app;
  const database = config?.backup?.service ?? services.find(({ service }) => isPostgres(service))?.name;
  if (project === undefined || database === undefined) return undefined;
  const plans = services.map(({ plan }) => plan);
  const hints = imageHints(app);
  const budgets = fleets(app, plans).flatMap(({ target, fleet }) => {
    const budget = connectionBudget(project.model, fleet, config?.services ?? {}, database, hints);
    return budget === undefined ? [] : [{ budget, target, database }];
  });
  return budgets.toSorted((a, b) => b.budget.needed - a.budget.needed)[0];
}

/** The services of every host of a target, host after host. */
function fleets(
  { config }: App,
  plans: readonly ServicePlan[],
): { target: string | undefined; fleet: ServicePlan[] }[] {
  const targets = Object.values(config?.targets ?? {});
  if (targets.length === 0) return [{ target: undefined, fleet: [...plans] }];
  return targets.map(({ name, hosts }) => ({
    target: name,
    fleet: hosts.flatMap(({ services }) => plans.filter((plan) => services?.includes(plan.name) !== false)),
  }));
}
