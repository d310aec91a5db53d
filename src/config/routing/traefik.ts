import type { ComposeService } from '../model.ts';
import { eachOnce, labelsOf, portIn, type RoutedPort, type RoutingPart, replicasOf } from './facts.ts';

// Sources: traefik/traefik v3.6 pkg/provider/docker/config.go, shared.go, pkg/config/label; v1.7 docs of the Docker provider.

/** Go's strconv.ParseBool, with which Traefik reads `traefik.enable`. */
const no = /^(?:0|f|false)$/i;

/**
 * The part of a service that Traefik reads: labels `traefik.*` in any case, of version 2 and 3 (`traefik.http.routers.…`) and
 * of version 1 (`traefik.frontend.rule`, `traefik.port`).
 */
export function traefikPart(service: ComposeService): RoutingPart | undefined {
  const labels = labelsOf(service).filter(([key]) => key.toLowerCase().startsWith('traefik.'));
  if (labels.length === 0) return undefined;
  const lower = new Map(labels.map(([key, value]) => [key.toLowerCase(), value]));
  const servers = serversOf(labels);
  const ports = servers.flatMap(({ port, mode, from }): RoutedPort[] =>
    port === undefined ? [] : [{ port, mode, from }],
  );
  const keys = [...lower.keys()];
  const isTcpRouter = keys.some((key) => key.startsWith('traefik.tcp.routers.'));
  return {
    kind: 'traefik',
    proxy: 'Traefik',
    labels: labels.map(([key]) => key),
    variables: [],
    switches: [],
    routes: !no.test(lower.get('traefik.enable') ?? ''),
    ports: eachOnce(ports),
    needsTcp: isTcpRouter || servers.some(({ mode }) => mode === 'tcp'),
    notes: notesOf(keys, service),
  };
}

interface Server {
  port: number | undefined;
  mode: RoutedPort['mode'];
  from: string;
}

/** The services of Traefik's that the labels define, each with the port and the protocol of its one server. */
function serversOf(labels: readonly (readonly [string, string])[]): Server[] {
  const servers = new Map<string, Server>();
  const serverOf = (id: string, mode: RoutedPort['mode'], key: string): Server => {
    const server = servers.get(id) ?? { port: undefined, mode, from: `the label ${key}` };
    servers.set(id, server);
    return server;
  };
  for (const [key, value] of labels) {
    const [, protocol, name, setting = ''] =
      /^traefik\.(http|tcp|udp)\.services\.(.+?)\.loadbalancer\.([\s\S]+)$/i.exec(key) ?? [];
    const [, segment = '', first] = /^traefik\.(?:([^.]+)\.)?(port|protocol)$/i.exec(key) ?? [];
    if (protocol !== undefined) {
      const kind = protocol.toLowerCase() as RoutedPort['mode'];
      const server = serverOf(`${kind} ${name?.toLowerCase()}`, kind, key);
      const what = setting.toLowerCase();
      if (what === 'server.port') {
        server.port = portIn(value);
        server.from = `the label ${key}`;
      }
      if (what === 'server.scheme' && /^(?:https|h2c)$/i.test(value.trim())) server.mode = 'tcp';
    } else if (first !== undefined) {
      const server = serverOf(`v1 ${segment.toLowerCase()}`, 'http', key);
      if (first.toLowerCase() === 'port') server.port = portIn(value);
      else if (!/^http$/i.test(value.trim())) server.mode = 'tcp';
    }
  }
  return [...servers.values()];
}

function notesOf(keys: readonly string[], service: ComposeService): string[] {
  const notes: string[] = [];
  const has = (pattern: RegExp) => keys.some((key) => pattern.test(key));
  if (has(/\.loadbalancer\.sticky(?:\.|$)|\.loadbalancer\.stickiness/) && replicasOf(service) > 1) {
    notes.push(
      'Traefik’s sticky sessions no longer choose a replica, because Traefik sees one server, the edge: keep sessions in a store that all replicas share',
    );
  }
  if (has(/\.loadbalancer\.healthcheck\./)) {
    notes.push(
      'Traefik’s own health check goes through the edge: while it fails, Traefik removes the whole service (503)',
    );
  }
  const isHttp = !has(/^traefik\.(?:tcp|udp)\./) || has(/^traefik\.http\.(?:routers|services)\./);
  if (isHttp && !has(/^traefik\.(?:http\.routers\..+\.rule|(?:[^.]+\.)?frontend\.rule)$/)) {
    notes.push(
      'no label has a rule, so Traefik’s defaultRule applies: a rule on the container’s name or Compose labels sees those of the edge; add a label with a rule',
    );
  }
  if (has(/^traefik\.udp\./)) {
    notes.push('Traefik routes UDP to it, which the edge cannot forward');
  }
  return notes;
}

/**
 * The name that Traefik makes for a service without one: `<compose service>-<project>`, everything but letters and
 * digits as one dash (provider.Normalize).
 */
export function automaticName(service: string, project: string): string {
  return `${service}_${project}`
    .split(/[^\p{L}\p{Nd}]+/u)
    .filter(Boolean)
    .join('-');
}

/**
 * A label that gives the edge's server the name and the port Traefik chose for the service itself. Without it the name
 * would be made of the edge's entry, and `web-shop@docker` in a file of Traefik's or on another container would point
 * nowhere.
 *
 * @param labels those of the service that Traefik reads.
 * @param port the one that Traefik would take: the lowest.
 * @returns undefined if the labels define services themselves, or if Traefik would not make one.
 */
export function automaticService(
  labels: readonly string[],
  name: string,
  port: number,
): readonly [key: string, value: string] | undefined {
  const keys = labels.map((key) => key.toLowerCase());
  const has = (pattern: RegExp) => keys.some((key) => pattern.test(key));
  // Labels of version 1 have another syntax, and other generated names.
  const isFirst = has(/^traefik\.(?:[^.]+\.)?(?:frontend\.|backend$|port$|protocol$|weight$)/);
  if (isFirst || has(/^traefik\.(?:http|tcp|udp)\.services\./) || has(/^traefik\.udp\.routers\./)) {
    return undefined;
  }
  const isTcp = has(/^traefik\.tcp\.routers\./);
  if (isTcp && has(/^traefik\.http\.(?:routers|middlewares)\./)) return undefined;
  return [`traefik.${isTcp ? 'tcp' : 'http'}.services.${name}.loadbalancer.server.port`, `${port}`];
}
