import { posix } from 'node:path';
import { type ImageReference, tryParseImage } from '../images/reference.ts';
import type { ComposeService, ComposeVolume } from '../model.ts';
import { isDataFile } from '../mounts/kinds.ts';
import { knownPorts } from '../ports/image-ports.ts';

/** Which images hold data, which are proxies or tools: by their names, and by what else gives a store away. */

/** Databases, brokers, search engines and object stores, by the last part of the image's name. */
const databases = new Set(
  [
    'mysql mysql-server mariadb mariadb-galera percona percona-server mssql-server server-mssql azure-sql-edge',
    'cockroach yugabyte tidb oracle-xe oracle-free firebird db2',
    'mongo mongodb mongodb-community-server percona-server-mongodb mongodb-atlas-local ferretdb couchdb couchbase cassandra scylla',
    'neo4j surrealdb arangodb dgraph orientdb rethinkdb aerospike aerospike-server crate edgedb gel pocketbase rqlite memgraph janusgraph',
    'rabbitmq kafka kafka-native cp-kafka cp-server cp-enterprise-kafka confluent-local redpanda zookeeper cp-zookeeper nats nats-streaming activemq activemq-artemis activemq-classic artemis pulsar',
    'eclipse-mosquitto mosquitto emqx vernemq hivemq4 beanstalkd nsq',
    'elasticsearch opensearch solr meilisearch typesense qdrant weaviate milvus chroma manticore vespa zincsearch zinc quickwit',
    'minio seaweedfs garage rustfs etcd consul vault openbao',
    'influxdb clickhouse clickhouse-server questdb victoria-metrics victoria-logs tdengine druid',
  ]
    .join(' ')
    .split(' '),
);
/** `acme/shop-mongodb`: a vendor's build of a store, by the end of its name; `wait-for-mysql` only speaks to one. */
const namedStore =
  /^(?!.*(?:wait|init|backup|dump|restore|migrat|client|admin|import|export|proxy|sync|connect|debezium|kafka|flink|spark|server|nginx|apache|php|agent|-to-|-for-)).+[-_](?:(mongodb?|mysql|mariadb|rabbitmq)|(redis|valkey|memcached))$/;
/** Names whose last part is ambiguous. */
const twoParts = new Set([
  'mssql/server',
  'altinity/clickhouse-server',
  'libsql-server',
  'tursodatabase/libsql-server',
]);
/** They may hold data, or be a mere cache: that depends on their volumes. */
const caches = new Set(
  'redis redis-stack redis-stack-server valkey valkey-bundle keydb dragonfly memcached garnet'.split(' '),
);
const proxies = new Set(
  'nginx nginx-unprivileged openresty caddy caddy-docker-proxy traefik haproxy envoy httpd angie swag nginx-proxy nginx-proxy-manager nginx-certbot kong apisix bunkerweb'.split(
    ' ',
  ),
);
/** Consoles, collectors and test doubles beside an app: never the app itself. */
const tools = new Set(
  [
    'mailpit mailhog mailcatcher maildev inbucket smtp4dev adminer pgadmin4 phpmyadmin phppgadmin cloudbeaver mongo-express redis-commander redisinsight',
    'portainer portainer-ce watchtower dozzle cadvisor node-exporter blackbox-exporter alertmanager grafana prometheus loki promtail tempo alloy fluent-bit fluentd vector',
    'otel-collector opentelemetry-collector opentelemetry-collector-contrib jaeger all-in-one zipkin kibana opensearch-dashboards kafka-ui akhq kafdrop',
    'autoheal ofelia docker-socket-proxy socket-proxy docker-gen acme-companion cloudflared tailscale newt netdata telegraf localstack moto uptime-kuma',
  ]
    .join(' ')
    .split(' '),
);

/** Postgres, and what is Postgres with extensions: pgvector, PostGIS, TimescaleDB, supabase/postgres. */
const postgres =
  /(?:^|[-_])(?:postgres(?:ql)?|postgis|pgvector|pgvecto-rs|vchord-postgres|timescaledb|paradedb|citus|spilo)(?:$|[-_.\d])/;
/** Programs that speak to a Postgres, and have its name. */
const notPostgres =
  /(?:exporter|backup|dump|restore|meta|operator|client|init|migrat|admin|bouncer|pooler|pool|proxy|rest|web|api|ui|studio|mcp|tool|local)(?:$|[-_.\d])/;

export type ImageRole = 'database' | 'cache' | 'proxy' | 'tool';

/**
 * A service whose image's base is known: what it is built FROM says more than the name it is given.
 */
export interface SeenService extends ComposeService {
  /** Base image of what is built; undefined: not built, or not known. */
  readonly from?: string | undefined;
}

/** Last part of the name of the image, or of its base: `ghcr.io/acme/postgres:17` → `postgres`. */
export function imageKind(service: SeenService): string | undefined {
  return referenceOf(service)?.repository.split('/').at(-1);
}

function referenceOf({ from, image }: SeenService): ImageReference | undefined {
  const text = from ?? image;
  return text === undefined ? undefined : tryParseImage(text);
}

/** The image of a store may be there for its tools: a loop of `pg_dump`, a console. */
const client =
  /(?:^|[\s"'/;&|(`])(?:psql|pg_dump(?:all)?|pg_basebackup|pg_restore|mysqldump|mariadb-dump|mongodump|mongorestore|mongosh|redis-cli|kafka-topics(?:\.sh)?|kafka-console-\w+(?:\.sh)?)(?=$|[\s"'])/;
const storeServer =
  /(?:^|[\s"'/;&|(`])(?:postgres|postgresql|mysqld?(?:_safe)?|mariadbd?(?:-safe)?|mongod|redis-server|valkey-server|docker-entrypoint\.sh|kafka-server-start(?:\.sh)?|run\.sh)(?=$|[\s"'])/;

function isClient({ entrypoint, command }: SeenService): boolean {
  const line = [entrypoint, command].flat().join(' ');
  return client.test(line) && !storeServer.test(line);
}

export function imageRole(service: SeenService): ImageRole | undefined {
  const role = roleOfImage(service);
  return (role === 'database' || role === 'cache') && isClient(service) ? undefined : role;
}

function roleOfImage(service: SeenService): ImageRole | undefined {
  const parts = referenceOf(service)?.repository.split('/') ?? [];
  const kind = parts.at(-1) ?? '';
  // Variables that nothing but a broker has, under whatever name of an image.
  if (service.environment?.['KAFKA_ADVERTISED_LISTENERS'] !== undefined) return 'database';
  if (isPostgresKind(kind) || databases.has(kind) || twoParts.has(parts.slice(-2).join('/')))
    return 'database';
  if (caches.has(kind)) return 'cache';
  const [, store, cache] = speaksElse(service, kind) ? [] : (namedStore.exec(kind) ?? []);
  if (store !== undefined) return 'database';
  if (cache !== undefined) return 'cache';
  if (proxies.has(kind)) return 'proxy';
  return tools.has(kind) || /-exporter$/.test(kind) ? 'tool' : undefined;
}

/** `acme/web-mysql`, which listens on 8080: the build of an app for that store, not the store. */
function speaksElse({ image, from, ports = [], expose = [] }: SeenService, kind: string): boolean {
  const own = knownPorts(from ?? image);
  if (own !== undefined) return true;
  const store = knownPorts(kind.split(/[-_]/).at(-1));
  const named = [
    ...ports.map(({ target }) => target),
    ...expose.map((port) => Number.parseInt(`${port}`, 10)),
  ];
  return (
    store !== undefined &&
    named.length > 0 &&
    named.every((port) => store.every((other) => other.port !== port))
  );
}

/** Whether an image's name is that of Postgres or of a derivative. */
export function isPostgresKind(kind: string): boolean {
  return postgres.test(kind) && !notPostgres.test(kind);
}

/** Whether the service runs Postgres, by its image or by the image that it is built from. */
export function isPostgres(service: SeenService): boolean {
  if (isClient(service)) return false;
  return isPostgresKind(imageKind(service) ?? '') || dataOf(service)?.kind === 'postgres';
}

/** Default data folders of servers. */
const dataFolders: readonly (readonly [RegExp, string])[] = [
  [/^\/var\/lib\/postgresql(?:\/|$)/, 'postgres'],
  [/^\/bitnami\/postgresql(?:\/|$)/, 'postgres'],
  [/^\/var\/lib\/(?:mysql|mariadb)(?:\/|$)/, 'mysql'],
  [/^\/data\/(?:db|configdb)(?:\/|$)/, 'mongo'],
  [
    /^\/var\/lib\/(?:rabbitmq|clickhouse|influxdb2?|cassandra|neo4j|elasticsearch|opensearch)(?:\/|$)/,
    'data',
  ],
  [/^\/usr\/share\/(?:elasticsearch|opensearch)\/data(?:\/|$)/, 'data'],
];

/** A store under another name: a volume where only a database server keeps its files. */
export function dataOf(service: SeenService): { readonly kind: string; readonly target: string } | undefined {
  for (const { type, target, read_only: readOnly } of service.volumes ?? []) {
    if ((type !== 'volume' && type !== 'bind') || readOnly === true) continue;
    const folder = service.environment?.['PGDATA'];
    if (folder != null && `${folder}/`.startsWith(`${target.replace(/(?<!\/)\/+$/, '')}/`))
      return { kind: 'postgres', target };
    const found = dataFolders.find(([pattern]) => pattern.test(target));
    // An app that is built from node or python may keep its own files in /data/db.
    const isApp = found?.[1] === 'mongo' && service.build !== undefined && service.from !== undefined;
    if (found !== undefined && !isApp) return { kind: found[1], target };
  }
  return undefined;
}

/** A volume, and whether it is a data folder of the app (mounts/strategy-view.ts). */
export interface SeenVolume extends ComposeVolume {
  readonly isData?: boolean;
  /** VOLUME of the image. */
  readonly isDeclared?: boolean;
}

/** A place that a service may write to, and that outlives its container. */
export interface WritableVolume {
  /** Name of a volume, or a folder as the compose file has it: `./data`, `/srv/data`; undefined: an anonymous volume. */
  readonly name: string | undefined;
  readonly target: string;
  readonly isFolder: boolean;
  /** The image declares it, and the compose file mounts nothing there. */
  readonly isDeclared: boolean;
}

/** Volumes the engine keeps (named, or without a name) and folders of the server that the service may write to. */
export function writableVolumes(service: ComposeService): readonly WritableVolume[] {
  return (service.volumes ?? []).flatMap((volume: SeenVolume) => {
    const { type, source, target } = volume;
    const isFolder = type === 'bind' && (volume.isData === true || isServerData(source ?? '', target));
    if (volume.read_only === true || (type !== 'volume' && !isFolder)) return [];
    return [{ name: source, target, isFolder, isDeclared: volume.isDeclared === true }];
  });
}

/** Whether sluice.yml lets two versions write to a volume or folder at the same time. */
export function isShared(shared: readonly string[] | undefined, name: string): boolean {
  const plain = (text: string) => (/[./]/.test(text) ? posix.normalize(text).replace(/\/$/, '') : text);
  return shared?.some((volume) => plain(volume) === plain(name)) ?? false;
}

/** Folders of a server that belong to its system: what is written there is the system's, not the app's. */
const systemFolder =
  /^\/(?:dev|proc|sys|run|boot|etc|usr|bin|sbin|lib(?:32|64)?|tmp|var\/(?:run|tmp|log|lib\/(?:docker|containerd))|root\/\.docker)(?:\/|$)|^\/$/;

/**
 * Whether an absolute source of a mount is data of the app: neither a socket, a log, or a part of the system, nor a file of
 * configuration. Of a file on the server only its name is known here.
 */
function isServerData(source: string, target: string): boolean {
  const name = posix.basename(source);
  if (!posix.isAbsolute(source) || systemFolder.test(source) || /^logs?$/i.test(name)) return false;
  if (isDataFile(name)) return !/\.(?:log|pid)$/i.test(name);
  const isFile = (path: string) => /[^/]\.(?!d$)[a-z]\w{0,9}$/i.test(path);
  return !isFile(source) && !isFile(target);
}

/** Whether a second container of the service beside the first would be a second set of data. */
export function holdsData(service: SeenService): boolean {
  // An absolute path may be a share that all servers have.
  const isOwn = ({ name }: WritableVolume) => name === undefined || !posix.isAbsolute(name);
  return imageRole(service) === 'database' || writableVolumes(service).some(isOwn);
}

/** Keys by which a service shares a part of another container: `service:NAME` or `container:NAME`. */
export const sharedKeys = ['network_mode', 'ipc', 'pid'] as const;

/** Services whose volumes `volumes_from:` gives this one; of other containers `container`. */
export function volumesFrom(service: ComposeService): string[] {
  const from = Array.isArray(service['volumes_from']) ? (service['volumes_from'] as unknown[]) : [];
  return from.map((volume) => String(volume).split(':')[0] ?? '');
}
