import { imageNameOf } from '../../../config/dockerfile/parse.ts';
import { tryParseImage } from '../../../config/images/reference.ts';
import { findPorts } from '../../../config/ports/ports.ts';
import { imageRole } from '../../../config/services/stores.ts';
import type { App, AppService } from '../app.ts';
import { chainOf, instructionsOf } from '../image/build.ts';
import type { Hit, Rule } from '../rule.ts';
import { hitAt, lasting } from './limits.ts';

export const healthcheck: Rule<App> = {
  id: 'compose/healthcheck',
  severity: 'medium',
  level: 'fail',
  title: 'Services that others depend on have a health check.',
  why: 'Without one a container counts as healthy as soon as its process exists. A deploy then sends requests to an app that is still starting, and nothing replaces one that hangs.',
  fix: 'Add a healthcheck: that sends the requests of a client (its health path, pg_isready, redis-cli ping), or a HEALTHCHECK in the Dockerfile.',
  source: {
    name: 'Compose: healthcheck',
    url: 'https://docs.docker.com/reference/compose-file/services/#healthcheck',
  },
  example: {
    file: 'compose.yml',
    bad: 'services:\n  redis:\n    image: redis:8\n',
    good: 'services:\n  redis:\n    image: redis:8\n    healthcheck:\n      test: [CMD-SHELL, "redis-cli ping | grep -q PONG"]\n',
  },
  check: (app) =>
    lasting(app).flatMap((appService): Hit[] => {
      if (!serves(appService)) return [];
      const check = appService.service.healthcheck;
      const isOff = check?.disable === true || check?.test?.[0] === 'NONE';
      if (isOff)
        return [
          hitAt(app, appService.name, `The health check of ${appService.name} is disabled.`, 'healthcheck'),
        ];
      if (check?.test !== undefined || hasOwnCheck(appService)) return [];
      const message = `${appService.name} accepts requests and has no health check`;
      if (isSeen(appService)) return [hitAt(app, appService.name, `${message}.`)];
      // Third-party images may have one, which only a pull can show.
      const unsure = { severity: 'low', level: 'note' } as const;
      return [
        {
          ...hitAt(app, appService.name, `${message} in the compose file; its image may have one.`),
          ...unsure,
        },
      ];
    }),
};

function serves({ service, plan, image }: AppService): boolean {
  if (plan.strategy === 'workers' || plan.strategy === 'singleton') return false;
  // wordpress:cli and similar tags are tools in the app's image.
  if (/:(?:[\w.]+-)?cli(?:-|$)/.test(service.image ?? '')) return false;
  if (imageRole(service) !== undefined || plan.ports.length > 0 || findPorts(service, {}) !== undefined)
    return true;
  const base = imageNameOf(image?.targets.flatMap(chainOf)[0]?.image);
  if (/^(?:nginx(?:-unprivileged)?|httpd|caddy|openresty|haproxy|traefik)$/.test(base)) return true;
  return (
    image?.targets
      .flatMap(chainOf)
      .some((stage) => stage.instructions.some(({ keyword }) => keyword === 'EXPOSE')) === true
  );
}

/** Third-party images that usually have no health check: Docker's library, and well-known stores and proxies. */
function isSeen({ service, image, isOwn }: AppService): boolean {
  if (image !== undefined) return true;
  const reference = isOwn || service.image === undefined ? undefined : tryParseImage(service.image);
  if (reference === undefined) return false;
  const isOfficial = reference.registry === 'docker.io' && reference.repository.startsWith('library/');
  return isOfficial || ['database', 'cache', 'proxy'].includes(imageRole(service) ?? '');
}

function hasOwnCheck({ image }: AppService): boolean {
  const checks = image?.targets.flatMap(instructionsOf).filter(({ keyword }) => keyword === 'HEALTHCHECK');
  const last = checks?.at(-1);
  return last !== undefined && !/^\s*NONE\b/i.test(last.text);
}

export const restartPolicy: Rule<App> = {
  id: 'compose/restart',
  severity: 'medium',
  level: 'fail',
  title: 'Long-running services restart automatically.',
  why: 'Without a policy a container stays down after a crash, or after a reboot of the host for a kernel update, until someone notices.',
  fix: 'Add restart: unless-stopped.',
  source: {
    name: 'Docker: start containers automatically',
    url: 'https://docs.docker.com/engine/containers/start-containers-automatically/',
  },
  example: {
    file: 'compose.yml',
    bad: 'services:\n  redis:\n    image: redis:8\n',
    good: 'services:\n  redis:\n    image: redis:8\n    restart: unless-stopped\n',
  },
  check: (app) =>
    lasting(app)
      .filter(({ service }) => service.restart === undefined && !hasPolicy(service.deploy))
      .map(({ name }) => hitAt(app, name, `${name} does not restart after a crash or a reboot of the host.`)),
};

function hasPolicy(deploy: object | undefined): boolean {
  return deploy !== undefined && 'restart_policy' in deploy;
}

export const dependsOn: Rule<App> = {
  id: 'compose/depends-on',
  severity: 'info',
  level: 'note',
  title: 'A service waits until its dependencies are healthy.',
  why: 'The short form of depends_on waits only for the process to exist: after a reboot of the host the app starts before the database answers.',
  fix: 'Write depends_on: { db: { condition: service_healthy } }.',
  source: {
    name: 'Compose: control startup order',
    url: 'https://docs.docker.com/compose/how-tos/startup-order/',
  },
  example: {
    file: 'compose.yml',
    bad: `services:
  api:
    image: ghcr.io/acme/api:1.4
    depends_on: [db]
  db:
    image: postgres:17
    healthcheck: { test: [CMD, pg_isready] }
`,
    good: `services:
  api:
    image: ghcr.io/acme/api:1.4
    depends_on:
      db: { condition: service_healthy }
  db:
    image: postgres:17
    healthcheck: { test: [CMD, pg_isready] }
`,
  },
  check: (app) =>
    app.services.flatMap(({ name }) => {
      const short = shortDependencies(app, name);
      return short.flatMap(({ other, index }) => {
        const depended = app.services.find((service) => service.name === other);
        if (depended?.service.healthcheck?.test === undefined) return [];
        return hitAt(app, name, `${name} does not wait until ${other} is healthy.`, 'depends_on', index);
      });
    }),
};

/** Dependencies of the short form; the long form is a deliberate choice. */
function shortDependencies(app: App, name: string): { other: string; index: number }[] {
  const lists =
    app.project?.all.map(({ services }) => services[name]?.['depends_on']).filter(Array.isArray) ?? [];
  const long = app.project?.all.some(({ services }) => !Array.isArray(services[name]?.['depends_on'] ?? []));
  if (long === true) return [];
  return (lists.at(-1) ?? []).map((other, index) => ({ other: String(other), index }));
}
