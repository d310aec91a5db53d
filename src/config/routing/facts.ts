import type { ComposeService } from '../model.ts';

/** Proxies that read the labels or variables of containers and send traffic to them. */
export type RoutingKind = 'traefik' | 'caddy-docker-proxy' | 'nginx-proxy' | 'other';

/** A container port that a proxy is configured to send traffic to. */
export interface RoutedPort {
  readonly port: number;
  /** `http`: HTTP/1.1 without TLS. `tcp`: anything else over TCP (TLS, h2c, FastCGI, PROXY protocol, own protocols). */
  readonly mode: 'http' | 'tcp' | 'udp';
  /** The label or variable that names it, to go into a sentence: "port 8000 from `VIRTUAL_PORT`". */
  readonly from: string;
}

/** The part of a service's definition that one proxy reads. */
export interface RoutingPart {
  readonly kind: RoutingKind;
  /** Name of the proxy, as its documentation writes it. */
  readonly proxy: string;
  /** Keys of `labels` that the proxy reads. */
  readonly labels: readonly string[];
  /** Names in `environment` that the proxy reads. */
  readonly variables: readonly string[];
  /** Those of `variables` that make the proxy send traffic; without them it ignores the others. */
  readonly switches: readonly string[];
  /** False if the part only says that the proxy must leave the service alone. */
  readonly routes: boolean;
  /** In the order of their labels. Empty: the proxy takes a port that the image exposes. */
  readonly ports: readonly RoutedPort[];
  /** The proxy speaks something else than plain HTTP/1.1 to at least one port, or to the one it finds by itself. */
  readonly needsTcp: boolean;
  /** Changes when the proxy sees an edge instead of the replicas, one sentence each. */
  readonly notes: readonly string[];
}

/**
 * A label or variable as a text. Compose prints maps of strings, but a hand-made model may hold numbers, and an unset
 * variable (`environment: [NAME]`) is null.
 */
export function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? `${value}`
    : '';
}

/** A port number, with blanks or quotes around it; undefined for any other text. */
export function portIn(text: string): number | undefined {
  const digits = /^\s*["']?(\d{1,5})["']?\s*$/.exec(text)?.[1];
  const port = Number(digits);
  return digits !== undefined && port >= 1 && port <= 65_535 ? port : undefined;
}

/** Labels of a service, keys as written. */
export function labelsOf(service: Pick<ComposeService, 'labels'>): [key: string, value: string][] {
  return Object.entries(service.labels ?? {}).map(([key, value]) => [key, textOf(value)]);
}

/** How many containers of the service share the traffic. */
export function replicasOf(service: ComposeService): number {
  return service.deploy?.replicas ?? service.scale ?? 1;
}

/** Ports, each once; one that is named twice is `tcp` if either is, because HTTP spoken to it could break it. */
export function eachOnce(ports: readonly RoutedPort[]): RoutedPort[] {
  const found = new Map<string, RoutedPort>();
  for (const port of ports) {
    const key = `${port.port}/${port.mode === 'udp' ? 'udp' : 'tcp'}`;
    const known = found.get(key);
    if (known === undefined || (known.mode === 'http' && port.mode === 'tcp')) found.set(key, port);
  }
  return [...found.values()];
}
