import type { App, AppService } from '../app.ts';
import type { Hit, Rule } from '../rule.ts';

/** Long-running services: all except jobs, which end soon. */
export function lasting({ services }: App): readonly AppService[] {
  return services.filter(({ plan }) => plan.strategy !== 'job');
}

/** A fault of a service, at one of its keys; without keys at the line where it begins. */
export function hitAt(app: App, name: string, message: string, ...keys: readonly (string | number)[]): Hit {
  const place = app.project?.placeOf(name, ...keys);
  return { file: place?.file ?? '', line: place?.line, message, subject: name };
}

export const memoryLimit: Rule<App> = {
  id: 'compose/memory-limit',
  severity: 'medium',
  level: 'fail',
  title: 'Every service has a memory limit.',
  why: 'One leak takes the memory of the whole host, and the kernel then kills any process, often the database. Limits also show whether both colors of a deploy fit on the host.',
  fix: 'Set deploy.resources.limits.memory to the memory it needs under load plus a quarter.',
  source: {
    name: 'Docker: resource constraints',
    url: 'https://docs.docker.com/engine/containers/resource_constraints/#understand-the-risks-of-running-out-of-memory',
  },
  example: {
    file: 'compose.yml',
    bad: 'services:\n  redis:\n    image: redis:8\n',
    good: 'services:\n  redis:\n    image: redis:8\n    deploy:\n      resources:\n        limits: { memory: 192M, cpus: "0.5" }\n',
  },
  check: (app) =>
    lasting(app)
      .filter(
        ({ service }) =>
          isMissing(service.deploy?.resources?.limits?.memory) && isMissing(service['mem_limit']),
      )
      .map(({ name }) => hitAt(app, name, `${name} has no memory limit.`)),
};

export const cpuLimit: Rule<App> = {
  id: 'compose/cpu-limit',
  severity: 'low',
  level: 'note',
  title: 'Every service has a CPU limit.',
  why: 'During a deploy the new color starts beside the old one. Without a limit its start, or one busy worker, takes the CPU from the containers that are serving.',
  fix: 'Set deploy.resources.limits.cpus.',
  source: {
    name: 'Docker: CPU constraints',
    url: 'https://docs.docker.com/engine/containers/resource_constraints/#cpu',
  },
  example: {
    file: 'compose.yml',
    bad: 'services:\n  redis:\n    image: redis:8\n',
    good: 'services:\n  redis:\n    image: redis:8\n    deploy:\n      resources:\n        limits: { memory: 192M, cpus: "0.5" }\n',
  },
  check: (app) =>
    lasting(app)
      .filter(
        ({ service }) =>
          isMissing(service.deploy?.resources?.limits?.cpus) &&
          isMissing(service['cpus']) &&
          isMissing(service['cpu_quota']),
      )
      .map(({ name }) => hitAt(app, name, `${name} has no CPU limit.`)),
};

function isMissing(value: unknown): boolean {
  return value === undefined || value === null || value === '' || value === 0 || value === '0';
}
