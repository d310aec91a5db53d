import { tryParseImage } from './image.ts';
import type { ComposeService } from './model.ts';
import { splitWords } from './words.ts';

/** What can be said of a service from its definition alone: pure facts for the inference of its strategy. */

/** Images whose containers hold data, by the last part of the name. */
const databases = new Set([
  ...[
    'postgres',
    'postgresql',
    'postgis',
    'pgvector',
    'timescaledb',
    'timescaledb-ha',
    'postgresql-repmgr',
    'spilo',
  ],
  ...[
    'mysql',
    'mysql-server',
    'mariadb',
    'percona',
    'percona-server',
    'mssql-server',
    'server-mssql',
    'cockroach',
    'yugabyte',
  ],
  ...[
    'mongo',
    'mongodb',
    'mongodb-community-server',
    'couchdb',
    'cassandra',
    'scylla',
    'neo4j',
    'surrealdb',
    'arangodb',
    'dgraph',
  ],
  ...[
    'rabbitmq',
    'kafka',
    'cp-kafka',
    'redpanda',
    'zookeeper',
    'cp-zookeeper',
    'nats',
    'activemq',
    'activemq-artemis',
    'pulsar',
  ],
  ...[
    'elasticsearch',
    'opensearch',
    'solr',
    'meilisearch',
    'typesense',
    'qdrant',
    'weaviate',
    'milvus',
    'chroma',
  ],
  ...[
    'minio',
    'seaweedfs',
    'garage',
    'etcd',
    'consul',
    'vault',
    'influxdb',
    'clickhouse',
    'clickhouse-server',
    'questdb',
  ],
  ...['prometheus', 'victoria-metrics', 'grafana', 'loki', 'registry'],
]);
/** They may hold data, or be a mere cache: that depends on their volumes. */
const caches = new Set([
  'redis',
  'redis-stack',
  'redis-stack-server',
  'valkey',
  'keydb',
  'dragonfly',
  'memcached',
]);
const proxies = new Set([
  'nginx',
  'nginx-unprivileged',
  'openresty',
  'caddy',
  'caddy-docker-proxy',
  'traefik',
  'haproxy',
  'envoy',
  'httpd',
  'angie',
  'swag',
  'nginx-proxy',
  'nginx-proxy-manager',
]);

/** Last part of the image's name: `ghcr.io/acme/postgres:17` → `postgres`. */
export function imageKind(service: ComposeService): string | undefined {
  const reference = service.image === undefined ? undefined : tryParseImage(service.image);
  return reference?.repository.split('/').at(-1);
}

export type ImageRole = 'database' | 'cache' | 'proxy';

export function imageRole(service: ComposeService): ImageRole | undefined {
  const kind = imageKind(service) ?? '';
  if (databases.has(kind)) return 'database';
  if (caches.has(kind)) return 'cache';
  return proxies.has(kind) ? 'proxy' : undefined;
}

/** Whether the app's own build makes the image: it has `build:`, or lies below the app's registry path. */
export function isOwnImage(service: ComposeService, registry: string | undefined): boolean {
  return (
    service.build !== undefined ||
    (registry !== undefined && service.image?.startsWith(`${registry}/`) === true)
  );
}

/** Volumes the engine keeps (named, or without a name) that the service may write to. */
export function writableVolumes(
  service: ComposeService,
): readonly { readonly name: string | undefined; readonly target: string }[] {
  return (service.volumes ?? [])
    .filter((volume) => volume.type === 'volume' && volume.read_only !== true)
    .map((volume) => ({ name: volume.source, target: volume.target }));
}

/** Whether a second container of the service beside the first would be a second set of data. */
export function holdsData(service: ComposeService): boolean {
  return imageRole(service) === 'database' || writableVolumes(service).length > 0;
}

/** Entrypoint and command as one line; `sh -c "…"` gives what stands in the quotes. */
export function commandLine(service: ComposeService): string {
  // Whole scripts may stand there; what a program is called stands at their beginning.
  return [...words(service.entrypoint), ...words(service.command)]
    .join(' ')
    .replaceAll('$$', '$')
    .slice(0, 4096);
}

function words(value: unknown): readonly string[] {
  if (typeof value === 'string') return splitWords(value);
  return Array.isArray(value) ? value.map(String) : [];
}

/** What kind of program a command runs, as far as it says. */
export function programKind(
  line: string,
): { readonly kind: 'scheduler' | 'worker' | 'migration'; readonly what: string } | undefined {
  const patterns = [
    ['scheduler', 'celery beat', /\bcelery\b.*(?:\sbeat\b|\sworker\b.*\s(?:-B|--beat)\b)/],
    [
      'scheduler',
      'a scheduler',
      /\b(?:rqscheduler|rq-scheduler|apscheduler|celery-beat|dramatiq-crontab|periodiq|clockwork)\b/,
    ],
    ['scheduler', 'cron', /(?:^|[\s/])(?:cron|crond|supercronic|ofelia|go-cron|yacron|anacron)(?:\s|$)/],
    [
      'scheduler',
      'a scheduler',
      /\b(?:schedule:(?:work|run)|schedule_tasks|run_?scheduler|scheduler\.(?:py|js|ts|rb)|-m\s+\S*\bscheduler)\b/,
    ],
    ['worker', 'a celery worker', /\bcelery\b.*\sworker\b/],
    [
      'worker',
      'a queue’s worker',
      /\b(?:rq\s+worker|rqworker|dramatiq|sidekiq|huey_consumer(?:\.py)?|arq|taskiq\s+worker|procrastinate\s+worker|faktory|resque|good_job|solid_queue|queue:work|horizon|bullmq|faust\b.*\bworker)\b/,
    ],
    [
      'migration',
      'a migration',
      /\b(?:alembic\s+(?:-\S+\s+)*upgrade|manage\.py\s+migrate|flask\s+db\s+upgrade|aerich\s+upgrade|db:migrate|db:prepare|prisma\s+(?:migrate\s+deploy|db\s+push)|typeorm\b.*migration:run|knex\s+migrate|sequelize(?:-cli)?\s+db:migrate|drizzle-kit\s+(?:migrate|push)|artisan\s+migrate|flyway\b.*\bmigrate|liquibase\b.*\bupdate|dbmate\s+(?:up|migrate)|goose\b.*\bup|migrate\s+.*\bup|sqitch\s+deploy|atlas\s+migrate\s+apply)\b/,
    ],
  ] as const;
  // A server that migrates before it starts (`alembic upgrade head && exec gunicorn …`) is a server.
  const isServer =
    /\b(?:uvicorn|gunicorn|hypercorn|granian|daphne|waitress|runserver|puma|unicorn|thin|rails\s+s(?:erver)?|next\s+start|nuxt|node\s+\S+|php-fpm|apachectl|nginx|caddy\s+run)\b/.test(
      line,
    );
  for (const [kind, what, pattern] of patterns) {
    if (kind === 'migration' && isServer) continue;
    if (pattern.test(line)) return { kind, what };
  }
  return undefined;
}

/** A service's name as its parts: `celery-beat` → celery, beat. */
export function nameParts(name: string): string[] {
  return name.toLowerCase().split(/[-_.]/);
}
