import { tryParseImage } from '../images/reference.ts';

/** The protocol of a port of an image. */
export interface KnownPort {
  readonly port: number;
  readonly mode: 'http' | 'tcp';
  /** `mailpit: SMTP`, for the plan. */
  readonly why: string;
}

/**
 * Ports of published images by the last two parts of their names, or by the last one where that says enough, as each
 * project documents them: what its users ask first, then the others. HTTP comes with a remark where it is not all of
 * the program.
 */
const images: Readonly<Record<string, string>> = {
  // Mail
  mailpit: '8025 HTTP (web UI), 1025 SMTP, 1110 POP3',
  mailhog: '8025 HTTP (web UI), 1025 SMTP',
  maildev: '1080 HTTP (web UI), 1025 SMTP',
  smtp4dev: '80 HTTP (web UI), 25 SMTP, 143 IMAP, 110 POP3',
  mailcatcher: '1080 HTTP (web UI), 1025 SMTP',
  inbucket: '9000 HTTP (web UI), 2500 SMTP, 1100 POP3',
  'greenmail/standalone': '8080 HTTP (API), 3025 SMTP, 3110 POP3, 3143 IMAP, 3465 SMTPS, 3993 IMAPS',
  'docker-mailserver': '25 SMTP, 587 SMTP, 465 SMTP, 143 IMAP, 993 IMAP, 4190 Sieve',
  stalwart: '8080 HTTP (administration), 25 SMTP, 143 IMAP, 443 HTTPS',
  'boky/postfix': '587 SMTP',
  roundcubemail: '80 HTTP, 9000 FastCGI',
  // Directories and identity
  lldap: '17170 HTTP (web UI), 3890 LDAP, 6360 LDAPS',
  openldap: '389 LDAP, 636 LDAPS',
  keycloak: '8080 HTTP, 8443 HTTPS, 9000 HTTP (management)',
  'goauthentik/server': '9000 HTTP, 9443 HTTPS, 9300 HTTP (metrics)',
  authelia: '9091 HTTP',
  'dexidp/dex': '5556 HTTP, 5557 gRPC, 5558 HTTP (metrics)',
  zitadel: '8080 HTTP/2 and gRPC',
  'ory/hydra': '4444 HTTP, 4445 HTTP (administration)',
  'ory/kratos': '4433 HTTP, 4434 HTTP (administration)',
  // Queues and brokers
  'eclipse-mosquitto': '1883 MQTT, 8883 MQTT, 9001 WebSockets',
  emqx: '18083 HTTP (dashboard), 8083 HTTP (WebSockets), 1883 MQTT, 8883 MQTT, 8084 WebSockets over TLS',
  vernemq: '8888 HTTP (status), 1883 MQTT, 8080 HTTP (WebSockets)',
  rabbitmq:
    '15672 HTTP (management), 15692 HTTP (metrics), 5672 AMQP, 5671 AMQP, 4369 epmd, 25672 Erlang, 1883 MQTT, 15674 HTTP (WebSockets), 15675 HTTP (WebSockets), 5552 streams, 61613 STOMP',
  nats: '8222 HTTP (monitoring), 4222 NATS, 6222 NATS, 7422 NATS',
  kafka: '9092 Kafka, 9093 Kafka, 9094 Kafka',
  'cp-kafka': '9092 Kafka, 9093 Kafka',
  'cp-schema-registry': '8081 HTTP',
  'cp-kafka-connect': '8083 HTTP',
  'cp-kafka-rest': '8082 HTTP',
  redpanda:
    '8081 HTTP (schema registry), 8082 HTTP (proxy), 9644 HTTP (administration), 9092 Kafka, 19092 Kafka, 33145 RPC',
  zookeeper: '8080 HTTP (administration), 2181 ZooKeeper, 2888 ZooKeeper, 3888 ZooKeeper',
  'activemq-classic':
    '8161 HTTP (console), 61616 OpenWire, 5672 AMQP, 61613 STOMP, 1883 MQTT, 61614 WebSockets',
  'activemq-artemis': '8161 HTTP (console), 61616 Artemis, 5672 AMQP, 61613 STOMP, 1883 MQTT',
  pulsar: '8080 HTTP, 6650 Pulsar',
  // Stores
  postgres: '5432 PostgreSQL',
  pgbouncer: '5432 PostgreSQL, 6432 PostgreSQL',
  pgpool: '5432 PostgreSQL, 9999 PostgreSQL',
  mysql: '3306 MySQL',
  mariadb: '3306 MySQL',
  'percona-server': '3306 MySQL',
  proxysql: '6033 MySQL, 6032 MySQL, 6070 HTTP (metrics)',
  tidb: '4000 MySQL, 10080 HTTP (status)',
  'mssql/server': '1433 SQL Server',
  cockroach: '8080 HTTP (console), 26257 PostgreSQL',
  mongo: '27017 MongoDB',
  mongodb: '27017 MongoDB',
  'mongodb-community-server': '27017 MongoDB',
  postgresql: '5432 PostgreSQL',
  postgis: '5432 PostgreSQL',
  pgvector: '5432 PostgreSQL',
  timescaledb: '5432 PostgreSQL',
  redis: '6379 Redis',
  valkey: '6379 Redis',
  'redis-stack': '8001 HTTP (RedisInsight), 6379 Redis',
  keydb: '6379 Redis',
  dragonfly: '6379 Redis',
  memcached: '11211 memcached',
  cassandra: '9042 CQL, 7000 gossip, 7199 JMX',
  scylla: '9042 CQL, 10000 HTTP (API), 9180 HTTP (metrics)',
  neo4j: '7474 HTTP, 7473 HTTPS, 7687 Bolt',
  clickhouse: '8123 HTTP, 9000 ClickHouse, 9009 ClickHouse, 9363 HTTP (metrics), 9440 ClickHouse over TLS',
  'clickhouse-server':
    '8123 HTTP, 9000 ClickHouse, 9009 ClickHouse, 9363 HTTP (metrics), 9440 ClickHouse over TLS',
  influxdb: '8086 HTTP',
  questdb: '9000 HTTP, 9009 InfluxDB line, 8812 PostgreSQL, 9003 HTTP (health)',
  crate: '4200 HTTP, 5432 PostgreSQL, 4300 transport',
  elasticsearch: '9200 HTTP, 9300 transport',
  opensearch: '9200 HTTP, 9300 transport, 9600 HTTP (performance)',
  qdrant: '6333 HTTP, 6334 gRPC',
  weaviate: '8080 HTTP, 50051 gRPC',
  milvus: '9091 HTTP (health), 19530 gRPC',
  minio: '9000 HTTP (S3), 9001 HTTP (console)',
  seaweedfs:
    '8333 HTTP (S3), 8888 HTTP (filer), 9333 HTTP (master), 8080 HTTP (volumes), 18888 gRPC, 19333 gRPC, 18080 gRPC',
  garage: '3900 HTTP (S3), 3902 HTTP (web), 3903 HTTP (administration), 3901 RPC',
  surrealdb: '8000 HTTP',
  arangodb: '8529 HTTP',
  couchdb: '5984 HTTP, 4369 epmd, 9100 Erlang',
  typesense: '8108 HTTP',
  meilisearch: '7700 HTTP',
  solr: '8983 HTTP',
  openbao: '8200 HTTP, 8201 cluster',
  consul: '8500 HTTP, 8502 gRPC, 8600 DNS, 8300 RPC, 8301 gossip, 8302 gossip',
  etcd: '2379 gRPC, 2380 etcd',
  // Monitoring
  prometheus: '9090 HTTP',
  alertmanager: '9093 HTTP, 9094 gossip',
  'node-exporter': '9100 HTTP (metrics)',
  pushgateway: '9091 HTTP',
  'statsd-exporter': '9102 HTTP (metrics), 9125 StatsD',
  loki: '3100 HTTP, 9095 gRPC, 7946 gossip',
  tempo: '3200 HTTP, 9095 gRPC, 4317 gRPC, 4318 HTTP (OTLP), 14268 HTTP (Jaeger), 9411 HTTP (Zipkin)',
  alloy: '12345 HTTP',
  'graphite-statsd': '80 HTTP, 2003 Graphite, 2004 Graphite, 8125 StatsD, 8126 StatsD',
  'jaegertracing/all-in-one':
    '16686 HTTP (web UI), 14268 HTTP (collector), 14269 HTTP (administration), 9411 HTTP (Zipkin), 5778 HTTP (sampling), 14250 gRPC, 16685 gRPC',
  'jaegertracing/jaeger': '16686 HTTP (web UI), 4317 gRPC, 4318 HTTP (OTLP), 9411 HTTP (Zipkin), 16685 gRPC',
  zipkin: '9411 HTTP',
  'opentelemetry-collector-contrib':
    '4317 gRPC, 4318 HTTP (OTLP), 13133 HTTP (health), 8888 HTTP (metrics), 55679 HTTP (zpages)',
  'opentelemetry-collector': '4317 gRPC, 4318 HTTP (OTLP), 13133 HTTP (health), 8888 HTTP (metrics)',
  cadvisor: '8080 HTTP',
  logstash: '9600 HTTP (API), 5044 Beats, 5000 TCP input',
  graylog: '9000 HTTP, 12201 GELF, 1514 syslog, 5044 Beats',
  splunk: '8000 HTTP, 8088 HTTPS, 8089 HTTPS, 9997 forwarders',
  // Apps and helpers
  'mher/flower': '5555 HTTP',
  nextcloud: '80 HTTP, 9000 FastCGI',
  'invoiceninja/invoiceninja': '9000 FastCGI',
  jenkins: '8080 HTTP, 50000 agents',
  registry: '5000 HTTP',
  'sonatype/nexus3': '8081 HTTP',
  verdaccio: '4873 HTTP',
  'woodpecker-server': '8000 HTTP, 9000 gRPC',
  kong: '8000 HTTP, 8001 HTTP (administration), 8002 HTTP (administration), 8443 HTTPS, 8444 HTTPS',
  postgrest: '3000 HTTP',
  gotrue: '9999 HTTP',
  directus: '8055 HTTP',
  'immich-server': '2283 HTTP',
  'immich-machine-learning': '3003 HTTP',
  mattermost: '8065 HTTP',
  mealie: '9000 HTTP',
  memos: '5230 HTTP',
  vikunja: '3456 HTTP',
  photoprism: '2342 HTTP',
  plex: '32400 HTTP',
  transmission: '9091 HTTP, 51413 BitTorrent',
  pihole: '80 HTTP, 53 DNS, 443 HTTPS',
  adguardhome: '80 HTTP, 3000 HTTP (installation), 53 DNS, 853 DNS over TLS, 443 HTTPS',
  frigate: '5000 HTTP, 8971 HTTPS, 8554 RTSP, 8555 WebRTC, 1984 HTTP (go2rtc)',
  'apache/spark': '8080 HTTP, 8081 HTTP, 4040 HTTP, 7077 RPC',
  flink: '8081 HTTP, 6123 RPC',
  cloudflared: '5053 DNS, 5054 DNS',
  gitea: '3000 HTTP, 22 SSH, 2222 SSH',
  forgejo: '3000 HTTP, 22 SSH, 2222 SSH',
  gogs: '3000 HTTP, 22 SSH, 2222 SSH',
  'gitlab-ce': '80 HTTP, 443 HTTPS, 22 SSH',
  'gitlab-ee': '80 HTTP, 443 HTTPS, 22 SSH',
  tika: '9998 HTTP',
  gotenberg: '3000 HTTP',
  'portainer-ce': '9000 HTTP, 9443 HTTPS, 8000 tunnel',
  sonarqube: '9000 HTTP',
  n8n: '5678 HTTP',
  ollama: '11434 HTTP',
  'temporalio/auto-setup': '7233 gRPC',
  'temporalio/server': '7233 gRPC',
  'temporalio/ui': '8080 HTTP',
  'plausible/community-edition': '8000 HTTP',
  searxng: '8080 HTTP',
  'vaultwarden/server': '80 HTTP, 3012 HTTP (WebSockets)',
  'uptime-kuma': '3001 HTTP',
  'home-assistant': '8123 HTTP',
  jellyfin: '8096 HTTP, 8920 HTTPS',
  syncthing: '8384 HTTP (web UI), 22000 syncthing',
  'livekit-server': '7880 HTTP (WebSockets), 7881 WebRTC',
  mediamtx: '8888 HTTP (HLS), 8889 HTTP (WebRTC), 1935 RTMP, 8554 RTSP',
  restreamer: '8080 HTTP, 8181 HTTPS, 1935 RTMP',
  'zabbix-server-pgsql': '10051 Zabbix',
  'zabbix-server-mysql': '10051 Zabbix',
  'zabbix-web-nginx-pgsql': '8080 HTTP, 8443 HTTPS',
  coturn: '3478 TURN, 5349 TURN',
  'jitsi/prosody': '5222 XMPP, 5280 HTTP (BOSH), 5347 XMPP',
  synapse: '8008 HTTP, 8448 HTTPS, 9093 HTTP (replication)',
  'docker-socket-proxy': '2375 HTTP',
  guacd: '4822 Guacamole',
  'atmoz/sftp': '22 SSH',
  'stilliard/pure-ftpd': '21 FTP',
  // Games
  'minecraft-server': '25565 Minecraft, 25575 RCON',
  'mc-proxy': '25577 Minecraft',
  bungeecord: '25577 Minecraft',
  'factoriotools/factorio': '27015 RCON',
  'ryshe/terraria': '7777 Terraria',
  'mbround18/valheim': '2456 Valheim',
  // Servers of the web
  nginx: '80 HTTP, 443 HTTPS',
  'nginx-unprivileged': '8080 HTTP, 8443 HTTPS',
  openresty: '80 HTTP, 443 HTTPS',
  httpd: '80 HTTP, 443 HTTPS',
  caddy: '80 HTTP, 443 HTTPS, 2019 HTTP (administration)',
  frankenphp: '80 HTTP, 443 HTTPS, 2019 HTTP (administration)',
  traefik: '80 HTTP, 443 HTTPS, 8080 HTTP (dashboard)',
  'nginx-proxy-manager': '80 HTTP, 81 HTTP (administration), 443 HTTPS',
  wordpress: '80 HTTP',
  ghost: '2368 HTTP',
  metabase: '3000 HTTP',
};

const known = new Map(
  Object.entries(images).map(([name, ports]) => [
    name,
    ports.split(', ').map((text): KnownPort => {
      const [, port, http, remark, other] = /^(\d+) (?:(HTTP)(?: \((.+)\))?|(.+))$/.exec(text) ?? [];
      const mode = http === undefined ? 'tcp' : 'http';
      return { port: Number(port), mode, why: `${name.split('/').at(-1)}: ${remark ?? other ?? 'HTTP'}` };
    }),
  ]),
);

/**
 * The ports that a published image is known for, by its last two parts (`mssql/server`), else its last one.
 *
 * @returns undefined for an image that is not known.
 */
export function knownPorts(image: string | undefined): readonly KnownPort[] | undefined {
  const parsed = image === undefined ? undefined : tryParseImage(image);
  if (parsed === undefined) return undefined;
  // PHP’s images differ by their tag: those with FPM speak FastCGI.
  if (/(?:^|\/)php$/.test(parsed.repository)) {
    const isFpm = /fpm/.test(parsed.tag ?? '');
    return isFpm ? [{ port: 9000, mode: 'tcp', why: 'php-fpm: FastCGI' }] : undefined;
  }
  const parts = parsed.repository.split('/');
  return known.get(parts.slice(-2).join('/')) ?? known.get(parts.at(-1) ?? '');
}

/** The port of an image: one without any HTTP port speaks its protocol on any port it listens on. */
export function portOf(ports: readonly KnownPort[] | undefined, port: number): KnownPort | undefined {
  const exact = ports?.find((other) => other.port === port);
  const [first] = ports ?? [];
  if (exact !== undefined || first === undefined || ports?.some(({ mode }) => mode === 'http') === true)
    return exact;
  return { ...first, port };
}
