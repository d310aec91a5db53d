/** A protocol: `HTTP` with or without a remark, or the name of another protocol. */
type Protocol = string;

/**
 * Ports whose number names a protocol that is not HTTP/1.1 in clear text: IANA's registry
 * (https://www.iana.org/assignments/service-names-port-numbers), else the documentation of the program that made the
 * number known. Numbers that web apps also take (5555, 7000, 9000, 9100) are not among them.
 */
const protocols: Readonly<Record<Protocol, readonly number[]>> = {
  FTP: [20, 21],
  FTPS: [989, 990],
  SSH: [22, 2022, 2222],
  Telnet: [23],
  SMTP: [25, 465, 587, 1025, 2525],
  DNS: [53],
  'DNS over TLS': [853],
  Kerberos: [88, 464],
  POP3: [110, 995, 1110],
  NTP: [123],
  SMB: [139, 445],
  IMAP: [143, 993],
  LDAP: [389, 636, 1389, 1636, 3268, 3269, 3890, 6360],
  HTTPS: [443, 4443, 8443, 9443, 10443],
  syslog: [514, 601, 6514],
  RTSP: [554, 8554],
  rsync: [873],
  SOCKS: [1080],
  OpenVPN: [1194],
  'SQL Server': [1433],
  Oracle: [1521],
  MQTT: [1883, 8883],
  RTMP: [1935],
  NFS: [2049],
  ZooKeeper: [2181, 2888, 3888],
  etcd: [2379, 2380],
  MySQL: [3306, 33060],
  'remote desktop': [3389],
  TURN: [3478, 5349],
  Git: [9418],
  Sieve: [4190],
  NATS: [4222, 6222],
  // OpenTelemetry Protocol: 4317 is gRPC, 4318 is HTTP.
  'OTLP (gRPC)': [4317],
  PostgreSQL: [5432, 6432],
  SIP: [5060, 5061],
  XMPP: [5222, 5269],
  AMQP: [5671, 5672],
  VNC: [5900, 5901],
  Redis: [6379, 6380, 16379, 26379],
  IRC: [6667, 6697],
  BitTorrent: [6881, 51413],
  Cassandra: [7199, 9042],
  'Java debugging': [5005],
  'Node.js debugging': [9229, 9230],
  // https://tomcat.apache.org/tomcat-10.1-doc/config/ajp.html and its shutdown port.
  AJP: [8009],
  'Tomcat’s shutdown': [8005],
  Kafka: [9092, 9094, 29092, 19092],
  Gearman: [4730],
  beanstalkd: [11300],
  memcached: [11211],
  Xdebug: [9003],
  Minecraft: [25565, 25575],
  'Source games': [27015, 27016],
  MongoDB: [27017, 27018, 27019],
  gRPC: [50051, 50052, 50053, 50054, 50055],
  DB2: [50000],
  ActiveMQ: [61616, 61613],
  Mumble: [64738],
  TeamSpeak: [10011, 30033],
};

const byNumber = new Map(
  Object.entries(protocols).flatMap(([protocol, ports]) => ports.map((port) => [port, protocol] as const)),
);

/** The protocol whose port this is; undefined: none, or HTTP. */
export function protocolOf(port: number): Protocol | undefined {
  return byNumber.get(port);
}

/**
 * Ports that servers for the web take when nothing else is said, and that other programs rarely use. A number in this list
 * counts as HTTP, so a number that another protocol shares is left out.
 */
const webPorts = new Set([
  80,
  81,
  8880,
  ...range(3000, 3039), // Node.js frameworks, Rails, Grafana
  ...[4000, 4173, 4200, 4321], // Phoenix and Jekyll; Vite’s preview; Angular; Astro
  ...[5000, 5001, 5173, 5174, 5601], // Flask and .NET; Vite; Kibana
  ...[1313, 1337, 1880, 2368], // Hugo; Strapi; Node-RED; Ghost
  ...[4318, 6006, 7860, 8501], // OTLP over HTTP; Storybook; Gradio; Streamlit
  ...range(8000, 8004), // Python’s servers, PHP’s, Kong
  ...[8006, 8008, 8010],
  ...range(8080, 8099), // the alternative to 80: Java’s servers, Go programs, nginx without root
  ...[8181, 8200, 8888, 8889, 9090, 9091, 9200], // Jupyter; Prometheus; Elasticsearch
  ...[10080, 18080],
]);

export function isWebPort(port: number): boolean {
  return webPorts.has(port);
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/**
 * Ports on which programs are administered or measured, not used: Caddy’s and FrankenPHP’s API, Envoy’s, WildFly’s,
 * HAProxy’s statistics and Traefik’s in its documentation.
 */
export function isAdminPort(port: number): boolean {
  return [2019, 9901, 9990, 8404].includes(port);
}
