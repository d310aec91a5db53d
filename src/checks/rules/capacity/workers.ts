import { type Processes, processesOf } from '../../../config/services/processes.ts';
import type { App, AppService } from '../app.ts';
import { hitAt } from '../compose/limits.ts';
import type { Rule } from '../rule.ts';
import { imageHints } from './hints.ts';

const webServers = new Set(['gunicorn', 'uvicorn', 'hypercorn', 'granian', 'uwsgi', 'puma']);

export const workers: Rule<App> = {
  id: 'capacity/workers',
  severity: 'low',
  level: 'note',
  title: 'A web server runs two to four processes for each core.',
  why: 'One process of Python or Ruby uses one core, and one slow request blocks all others behind it. Far more processes than cores only compete for memory and database connections.',
  fix: 'Set --workers (or WEB_CONCURRENCY) to 2 to 4 × the cores of the container, or run more replicas.',
  source: {
    name: 'Gunicorn: how many workers?',
    url: 'https://docs.gunicorn.org/en/stable/design.html#how-many-workers',
  },
  example: {
    file: 'compose.yml',
    bad: `services:
  api:
    image: ghcr.io/acme/api:1.4
    command: gunicorn --workers 1 app:app
    expose: ["8000"]
    deploy:
      resources:
        limits: { memory: 1G, cpus: "2" }
`,
    good: `services:
  api:
    image: ghcr.io/acme/api:1.4
    command: gunicorn --workers 4 app:app
    expose: ["8000"]
    deploy:
      resources:
        limits: { memory: 1G, cpus: "2" }
`,
  },
  check: (app) => {
    const hints = imageHints(app);
    return app.services.flatMap((appService) => {
      const own = app.config?.services[appService.name]?.processes;
      const found = processesOf(appService.service, hints[appService.name]);
      if (!webServers.has(found.program ?? '') || (!found.certain && own === undefined)) return [];
      const message = faultOf(
        appService,
        own === undefined ? found : { ...found, count: own, from: 'sluice.yml' },
      );
      return message === undefined ? [] : hitAt(app, appService.name, message);
    });
  },
};

function faultOf(
  { name, service, plan }: AppService,
  { count, from, program }: Processes,
): string | undefined {
  const cores = Number(service.deploy?.resources?.limits?.cpus ?? service['cpus'] ?? Number.NaN);
  const source = from === undefined ? '' : ` (${from})`;
  if (count === 1 && plan.replicas === 1 && !(cores < 2)) {
    return `${name} runs one process of ${program}${source}: one slow request blocks all others.`;
  }
  // One more than four times: Gunicorn's own formula for few cores is 2 × cores + 1.
  if (count > 4 * cores + 1) {
    return `${name} runs ${count} processes of ${program}${source} on ${cores} ${cores === 1 ? 'core' : 'cores'}: more than 4 per core.`;
  }
  return undefined;
}
