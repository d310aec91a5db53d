import { memoryBudget, memoryDemand, memoryLimit } from '../../../config/services/capacity.ts';
import { isPostgres, judgePostgres, postgresSettings } from '../../../config/services/postgres-settings.ts';
import { processesOf } from '../../../config/services/processes.ts';
import type { App } from '../app.ts';
import { hitAt } from '../compose/limits.ts';
import { isPlacedVolume } from '../compose/shape.ts';
import type { Hit, Rule } from '../rule.ts';
import { imageHints } from './hints.ts';

const mib = 1024 ** 2;
const gib = 1024 ** 3;
/** Any process of Python or Ruby with an app in it takes more than this. */
const leastPerProcess = 32 * mib;

export const processMemory: Rule<App> = {
  id: 'capacity/process-memory',
  severity: 'high',
  level: 'fail',
  title: 'The memory limit of a container fits all its processes.',
  why: 'All tasks of all workers use memory at the same time: 30 workers with 30 tasks of 2.2 GB each need 1,980 GB. A process beyond the limit is killed partway through a task.',
  fix: 'Lower the number of processes (5 workers with --concurrency=2 instead of 30 with 30), or raise the limit. Set services.NAME.process-memory in sluice.yml to the memory of one process.',
  source: {
    name: 'Celery: max memory per child',
    url: 'https://docs.celeryq.dev/en/stable/userguide/workers.html#max-memory-per-child-setting',
  },
  example: {
    file: 'compose.yml',
    bad: `services:
  worker:
    image: ghcr.io/acme/api:1.4
    command: celery -A app worker --concurrency=30 --max-memory-per-child=2200000
    deploy:
      resources:
        limits: { memory: 6G, cpus: "2" }
`,
    good: `services:
  worker:
    image: ghcr.io/acme/api:1.4
    command: celery -A app worker --concurrency=2 --max-memory-per-child=2200000
    deploy:
      resources:
        limits: { memory: 6G, cpus: "2" }
`,
  },
  check: (app) => {
    const { project, services, config } = app;
    if (project === undefined) return [];
    const hints = imageHints(app);
    const plans = services.map(({ plan }) => plan);
    const known = memoryDemand(project.model, plans, config?.services ?? {}, hints);
    const beyond = known.flatMap(({ service, processes, perProcess, needed, limit }): Hit[] => {
      if (limit === undefined || needed <= limit) return [];
      const message = `${service} needs ${amount(needed)} (${processes} processes × ${amount(perProcess)}), but its limit is ${amount(limit)}.`;
      return [hitAt(app, service, message)];
    });
    const judged = new Set(known.map(({ service }) => service));
    const starved = services.flatMap(({ name, service }): Hit[] => {
      const { count, program } = processesOf(service, hints[name]);
      const processes = config?.services[name]?.processes ?? count;
      const limit = memoryLimit(service);
      if (judged.has(name) || program === undefined || processes < 2 || limit === undefined) return [];
      if (limit / processes >= leastPerProcess) return [];
      const message = `${processes} processes of ${name} share ${amount(limit)}: ${amount(limit / processes)} each, less than an idle process of ${program} needs.`;
      return [hitAt(app, name, message)];
    });
    return [...beyond, ...starved];
  },
};

export const postgresMemory: Rule<App> = {
  id: 'capacity/postgres-memory',
  severity: 'medium',
  level: 'fail',
  title: 'The memory settings of Postgres fit the limit of its container.',
  why: 'Postgres sees the memory of the host, not its own limit. With settings beyond the limit the kernel kills a backend, which drops every connection. With settings far below it the memory stays unused.',
  fix: 'Set shared_buffers to a quarter of the limit and effective_cache_size to half to three quarters of it. Keep shared_buffers + work_mem × max_connections below it.',
  source: {
    name: 'Postgres: resource consumption, memory',
    url: 'https://www.postgresql.org/docs/current/runtime-config-resource.html#RUNTIME-CONFIG-RESOURCE-MEMORY',
  },
  example: {
    file: 'compose.yml',
    bad: `services:
  db:
    image: postgres:17
    command: postgres -c shared_buffers=2GB -c work_mem=64MB
    deploy:
      resources:
        limits: { memory: 2G, cpus: "2" }
`,
    good: `services:
  db:
    image: postgres:17
    command: postgres -c shared_buffers=512MB -c work_mem=8MB
    deploy:
      resources:
        limits: { memory: 2G, cpus: "2" }
`,
  },
  check: (app) =>
    app.services.flatMap(({ name, service }) => {
      const limit = memoryLimit(service);
      if (!isPostgres(service) || limit === undefined) return [];
      const mounted = (service.volumes ?? [])
        .filter(isPlacedVolume)
        .find(({ type, source }) => type === 'bind' && /\.conf$/.test(source ?? ''));
      const file = mounted?.source === undefined ? undefined : app.repo.read(mounted.source);
      return judgePostgres(postgresSettings(service, file), limit).map(
        ({ kind, message, fix, setting }): Hit => ({
          ...(service.command === undefined || service.command === null
            ? hitAt(app, name, '')
            : hitAt(app, name, '', 'command')),
          message: `${message}.`,
          fix,
          subject: `${name}:${setting}`,
          ...(kind === 'wasteful' ? { severity: 'low', level: 'note' } : {}),
        }),
      );
    }),
};

/** For the line of the check: the memory that a host needs while both colors run. */
export function memorySum({ project, services }: App): string | undefined {
  if (project === undefined) return undefined;
  const { needed, unlimited } = memoryBudget(
    project.model,
    services.map(({ plan }) => plan),
  );
  if (needed === 0) return undefined;
  const rest = unlimited.length === 0 ? '' : `, and ${unlimited.length} without a limit`;
  return `${amount(needed)} of limits with both colors${rest}`;
}

function amount(bytes: number): string {
  if (bytes >= gib) return `${(bytes / gib).toLocaleString('en', { maximumFractionDigits: 1 })} GiB`;
  return `${Math.round(bytes / mib)} MiB`;
}
