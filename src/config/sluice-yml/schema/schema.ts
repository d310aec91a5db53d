import { z } from 'zod';
import { docsUrl } from '../../../kernel/docs.ts';
import { build } from './build.ts';
import { cdn } from './cdn.ts';
import { checks } from './checks.ts';
import {
  appName,
  command,
  count,
  duration,
  flag,
  headers,
  healthPath,
  image,
  mapRule,
  network,
  oneOf,
  oneOrMore,
  port,
  portModes,
  rate,
  registry,
  relativePath,
  serviceName,
  size,
  statuses,
  targetName,
  text,
  url,
  variableName,
} from './fields.ts';
import { target } from './target.ts';

/**
 * All of sluice.yml. The only place of descriptions and defaults: the JSON Schema and docs/config.md are
 * generated from them. Keys are written as in the file; normalise.ts turns the result into the model.
 */

const strategies = ['blue-green', 'workers', 'singleton', 'recreate', 'keep', 'job'] as const;

const healthRequest = z.strictObject(
  {
    path: healthPath.meta({ description: 'Path to request with GET.' }),
    port: port.optional().meta({ description: 'Container port. Default: the main port.' }),
    host: text('must be the name of a host', 253)
      .regex(/^[\w.:[\]-]+$/, 'must be the name of a host')
      .optional()
      .meta({
        description: 'Host header, for apps that accept only certain names. Default: `localhost`.',
      }),
    headers: headers.optional().meta({
      description: 'Additional headers. `${NAME}` is a variable of the target: store tokens there.',
    }),
    timeout: duration(100).optional().meta({ description: 'Longest time for an answer. Default: `5s`.' }),
    expect: statuses.optional().meta({ description: 'Statuses of a healthy answer. Default: `200-399`.' }),
  },
  { error: mapRule },
);

const service = z
  .strictObject(
    {
      strategy: oneOf(strategies).optional().meta({
        description:
          'How a deploy treats the service: `blue-green` (two colors, switched under load), `workers` (new ones up, old ones finish), `singleton` (never two at once), `recreate` (replaced in place when it changes), `keep` (never touched), `job` (runs to completion). Default: inferred, see [below](#how-a-strategy-is-found).',
      }),
      port: port.optional().meta({
        description: 'Container port that the edge sends requests to. Default: found in the compose file.',
      }),
      mode: portModes.optional().meta({
        description: `How the edge forwards the main port, or each port: \`mode: tcp\`, \`mode: { 8025: http, 1025: tcp }\`. \`http\` counts and switches single requests, \`tcp\` whole connections of any protocol. Default: \`http\` if the port is known to speak it, else \`tcp\`; \`sluice plan\` shows why. See ${docsUrl('ports')}.`,
      }),
      health: z
        .union([healthPath, healthRequest], { error: 'must be a path such as /health, or a map with one' })
        .optional()
        .meta({
          description:
            'Health request: a path, or a map. The edge and the deploy use the same request. Default: the request of the container’s health check.',
        }),
      'start-timeout': duration(1_000).optional().meta({
        description:
          'Longest time a healthy start may take. Default: start_period + interval × retries of the health check, at least 15 s. One minute without a health check.',
      }),
      pool: count(0, 100_000).optional().meta({
        description:
          'Database connections one process may open (pool + overflow), for the connection budget.',
      }),
      processes: count(1, 10_000).optional().meta({
        description:
          'Processes in one container (gunicorn workers, celery concurrency), for the connection budget.',
      }),
      'process-memory': size.optional().meta({
        description:
          'Memory one process needs at its peak, for the memory budget: processes × this must stay below the limit of a container.',
      }),
      'shared-volumes': z
        .array(text('must be the name of a volume or a folder', 4096), { error: 'must be a list of volumes' })
        .optional()
        .meta({
          description:
            'Volumes that both colors may write to at the same time, such as uploads; folders as written in the compose file: `./uploads`.',
        }),
    },
    { error: mapRule },
  )
  .meta({ description: 'One service of the compose files: only settings that Sluice cannot find there.' });

const migrate = z.strictObject(
  {
    service: serviceName.meta({
      description: 'Service whose new image and variables the migration uses.',
    }),
    command: command.meta({
      description: 'Migration command, such as `alembic upgrade head`: one text, or a list of words.',
    }),
    'lock-timeout': duration().prefault('5s').meta({
      description:
        'Longest wait for a lock in Postgres; then the migration fails instead of blocking the app’s queries.',
    }),
    timeout: duration(1000).prefault('10m').meta({ description: 'Longest time for the whole migration.' }),
    revision: command.optional().meta({
      description:
        'Command that prints the current revision, recorded before and after. Default for Alembic: `alembic current`.',
    }),
  },
  { error: mapRule },
);

const backup = z.strictObject(
  {
    postgres: serviceName.meta({ description: 'Service that runs Postgres.' }),
    keep: count(1, 10_000).prefault(14).meta({
      description:
        'Proven backups to keep on the host, separately for deploys, scheduled and manual backups.',
    }),
    'restore-test': flag
      .prefault(true)
      .meta({ description: 'Restore each backup into a temporary Postgres and compare.' }),
    timeout: duration(1000).prefault('30m').meta({ description: 'Longest time for dump and restore test.' }),
  },
  { error: mapRule },
);

const watch = z.strictObject(
  {
    for: duration()
      .prefault('30s')
      .meta({ description: 'How long to watch the new color after the switch.' }),
    'max-5xx': rate
      .prefault('1%')
      .meta({ description: 'Share of 5xx answers above which the guard reverts.' }),
    'min-5xx': count(1, 1_000_000)
      .prefault(10)
      .meta({ description: 'Fewer 5xx answers than this never revert.' }),
    'max-p95': duration(1)
      .optional()
      .meta({ description: '95th percentile of the response time above which the guard reverts.' }),
    url: url.optional().meta({ description: 'Public URL that must answer 2xx during the watch.' }),
    deadline: duration(1000).prefault('60s').meta({
      description:
        'How long after the watch the guard waits for the confirmation before it reverts by itself.',
    }),
  },
  { error: mapRule },
);

export const configSchema = z
  .strictObject(
    {
      app: appName.meta({
        description: 'Name of the app: its compose project, and its folder on the hosts.',
      }),
      compose: oneOrMore(relativePath, 'must be a path, or a list of paths').optional().meta({
        description:
          'Compose files, later ones over earlier ones. Default: the first of compose.yaml, compose.yml, docker-compose.yml and docker-compose.yaml that exists.',
      }),
      registry: registry.optional().meta({
        description:
          'Where to push the app’s images, such as `ghcr.io/acme/bookreader`. `none`: nowhere; Sluice builds them where it runs, and deploys transfer them to the hosts over SSH.',
      }),
      services: z
        .record(serviceName, service, { error: mapRule })
        .prefault({})
        .meta({ description: 'By the name of a compose service.' }),
      build: build.prefault({}).meta({ description: `How to build the images. See ${docsUrl('build')}.` }),
      migrate: migrate
        .optional()
        .meta({ description: 'Database migration, run once per deploy before any container starts.' }),
      backup: backup.optional().meta({ description: 'Database backup before each deploy.' }),
      watch: watch.prefault({}).meta({ description: 'Limits that the guard checks after the switch.' }),
      targets: z
        .record(targetName, target, { error: mapRule })
        .refine((value) => Object.keys(value).length > 0, 'must name at least one target')
        .meta({
          description:
            'By name, such as `staging` and `production`. Optional if the repository only publishes a front end (`cdn`).',
        }),
      notify: z
        .strictObject(
          {
            slack: variableName
              .optional()
              .meta({ description: 'NAME of the variable with a Slack-compatible webhook’s URL.' }),
          },
          { error: mapRule },
        )
        .prefault({})
        .meta({ description: 'Notifications of success, revert and failure.' }),
      edge: z
        .strictObject(
          {
            image: image
              .prefault('haproxy:3.0')
              .meta({ description: 'Image of the edge: HAProxy 3.0 or newer with Lua.' }),
            'max-connections': count(100, 200_000).optional().meta({
              description:
                'Client connections of one edge, idle ones included; its memory limit follows. Further requests get a 503 at once. Default: 4000.',
            }),
            'trusted-proxies': z
              .array(network, { error: 'must be a list of networks such as 10.0.0.0/8' })
              .optional()
              .meta({
                description:
                  'Networks of proxies (a load balancer, a CDN) in front of ports that services publish: their X-Forwarded-For, X-Real-IP and Forwarded are passed on. Default: none, and the edge sets the client address itself. A port published only on 127.0.0.1 has a proxy of the server in front, which is trusted.',
              }),
            'proxy-protocol': z
              .array(network, { error: 'must be a list of networks such as 10.0.0.0/8' })
              .optional()
              .meta({
                description:
                  'Networks of load balancers that send the PROXY protocol (v1 or v2) on each connection, as the edge sees them. It is required from these networks and rejected from others.',
              }),
          },
          { error: mapRule },
        )
        .prefault({})
        .meta({ description: 'The proxy in front of each blue-green service.' }),
      keep: count(1, 100)
        .prefault(3)
        .meta({ description: 'Releases to keep on a host, with their images, besides the current one.' }),
      previous: oneOf(['stopped', 'warm']).prefault('stopped').meta({
        description:
          'State of the old color after the confirmation: `stopped` (a rollback starts it) or `warm` (a rollback only switches).',
      }),
      drain: duration().prefault('30s').meta({
        description: 'How long requests and WebSockets on the old color may continue after the confirmation.',
      }),
      checks: checks.prefault({}).meta({ description: `Lint, tests and scans. See ${docsUrl('checks')}.` }),
      cdn: cdn.optional().meta({ description: `Publication of a front end. See ${docsUrl('cdn')}.` }),
    },
    { error: 'must be a map (key: value)' },
  )
  .meta({ title: 'sluice.yml', description: 'Deployment of an app: images, targets and strategies.' });

/** The same for a repository that has only a front end to publish: nothing is deployed, and there are no compose files. */
export const siteOnlySchema = configSchema.partial({ targets: true });

/** sluice.yml once it is checked: keys as in the file, values read. */
export type RawConfig = z.output<typeof siteOnlySchema>;
