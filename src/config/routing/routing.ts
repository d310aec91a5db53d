import type { ComposeModel, ComposeService, ServicePlan, Strategy } from '../model.ts';
import { caddyPart } from './caddy.ts';
import {
  eachOnce,
  labelsOf,
  portIn,
  type RoutedPort,
  type RoutingKind,
  type RoutingPart,
  textOf,
} from './facts.ts';
import { nginxProxyPart } from './nginx-proxy.ts';
import { automaticName, automaticService, traefikPart } from './traefik.ts';

export type { RoutedPort, RoutingKind } from './facts.ts';

/** How proxies that read labels or variables of containers send traffic to a service. */
export interface Routing {
  /** The proxy that the service is written for; the first, if there are several. */
  readonly kind: RoutingKind;
  readonly proxies: readonly string[];
  /** Container ports that labels and variables name. Empty: the proxy takes one that the image exposes. */
  readonly ports: readonly RoutedPort[];
  /**
   * A proxy speaks something else than plain HTTP/1.1 (TLS, h2c, FastCGI, PROXY protocol): to the ports with mode
   * `tcp`, or, if none is named, to the service's main port.
   */
  readonly needsTcp: boolean;
  /** Changes when the proxy sees an edge instead of the replicas, one sentence each. */
  readonly notes: readonly string[];
}

/**
 * The proxies that route to a service by its labels and variables.
 *
 * @param name of the service, to know an upstream that is written as a name.
 * @returns undefined if no proxy that Sluice knows sends traffic to it.
 */
export function routingOf(service: ComposeService, name?: string): Routing | undefined {
  const parts = partsOf(service, name).filter(({ routes }) => routes);
  const [first] = parts;
  if (first === undefined) return undefined;
  return {
    kind: first.kind,
    proxies: parts.map(({ proxy }) => proxy),
    ports: eachOnce(parts.flatMap(({ ports }) => ports)),
    needsTcp: parts.some(({ needsTcp }) => needsTcp),
    notes: parts.flatMap(({ notes }) => notes),
  };
}

/** Keys of a service that belong to the container which has the service's name: with two colors, to its edge. */
export interface RoutingKeys {
  /** Labels that the edge gets and the colors lose. */
  readonly labels: readonly string[];
  /** Variables that the edge gets. The colors keep them, because an app may read them too, except for the `switches`. */
  readonly variables: readonly string[];
  /** Variables that the colors lose: without them no proxy sends traffic there. */
  readonly switches: readonly string[];
}

/** The keys of a service that proxies read, also those that make a proxy ignore it. */
export function routingKeys(service: ComposeService, name?: string): RoutingKeys {
  const parts = partsOf(service, name);
  return {
    labels: [...new Set(parts.flatMap(({ labels }) => labels))],
    variables: parts.flatMap(({ variables }) => variables),
    switches: parts.flatMap(({ switches }) => switches),
  };
}

/**
 * The routing labels of a service's edge.
 *
 * @param ports those that the edge listens on.
 */
export function edgeLabels(
  service: ComposeService,
  name: string,
  project: string,
  ports: readonly { readonly port: number }[],
): Record<string, string> {
  const moved = routingKeys(service, name).labels.map((key) => [key, textOf(service.labels?.[key])] as const);
  const part = traefikPart(service);
  const lowest = Math.min(...ports.map(({ port }) => port));
  const automatic =
    part?.routes === true && Number.isFinite(lowest)
      ? automaticService(part.labels, automaticName(name, project), lowest)
      : undefined;
  return Object.fromEntries([...moved, ...(automatic === undefined ? [] : [automatic])]);
}

/**
 * The labels of a service's colors: what routes is the edge's. Traefik routes to every container, with labels or
 * without (`exposedByDefault` is true), and to those whose image has labels; so the labels turn it off even where
 * nothing in the compose files shows that there is one.
 */
export function colorLabels(service: ComposeService, name: string): Record<string, string> {
  const moved = new Set(routingKeys(service, name).labels);
  const kept = Object.entries(service.labels ?? {}).filter(([key]) => !moved.has(key));
  return { ...Object.fromEntries(kept), 'traefik.enable': 'false' };
}

/**
 * A service with the routing labels of its image, as though they were written in the compose file: Docker merges the
 * labels of an image into its containers, and the edge is made from another image.
 */
export function withImageRouting(
  service: ComposeService,
  imageLabels: Readonly<Record<string, string>>,
): ComposeService {
  const keys = routingKeys({ labels: imageLabels }).labels.filter(
    (key) => service.labels?.[key] === undefined,
  );
  if (keys.length === 0) return service;
  const added = Object.fromEntries(keys.map((key) => [key, imageLabels[key] ?? '']));
  return { ...service, labels: { ...added, ...service.labels } };
}

/**
 * The model with the routing labels of the images of blue-green services in it: their edges are made from it.
 *
 * @param images config of the services' images, as far as it is known.
 */
export function withRoutingOfImages(
  model: ComposeModel,
  plans: readonly Pick<ServicePlan, 'name' | 'strategy'>[],
  images: Readonly<Record<string, { readonly labels: Readonly<Record<string, string>> }>>,
): ComposeModel {
  const services = plans.flatMap(({ name, strategy }) => {
    const service = model.services[name];
    const image = Object.hasOwn(images, name) ? images[name] : undefined;
    if (strategy !== 'blue-green' || service === undefined || image === undefined) return [];
    return [[name, withImageRouting(service, image.labels)] as const];
  });
  return { ...model, services: { ...model.services, ...Object.fromEntries(services) } };
}

/** Notes for the plan on a service's labels and variables, one sentence each. */
export function notesOfRouting(service: ComposeService, strategy: Strategy, name?: string): string[] {
  const notes = watchers(service, strategy);
  const parts = partsOf(service, name);
  if (strategy === 'workers' && parts.some(({ routes }) => routes)) {
    const proxies = parts.filter(({ routes }) => routes).map(({ proxy }) => proxy);
    notes.unshift(
      `${proxies.join(' and ')} sends traffic to it, and to both colors during a deploy: set its port in sluice.yml to make it blue-green`,
    );
  }
  if (strategy !== 'blue-green') return notes;
  const moved = parts.flatMap(({ proxy, labels, variables }) => [
    ...(labels.length > 0 ? [`labels of ${proxy} (${labels.length}) move to the edge`] : []),
    ...(variables.length > 0
      ? [`variables of ${proxy} (${variables.length}) move to the edge: ${variables.join(', ')}`]
      : []),
  ]);
  return [...moved, ...parts.flatMap(({ notes }) => notes), ...notes];
}

/** Labels that stay where they are, of tools that act on containers by themselves. */
function watchers(service: ComposeService, strategy: Strategy): string[] {
  const labels = labelsOf(service).map(([key, value]) => [key.toLowerCase(), value.trim()] as const);
  const notes: string[] = [];
  const updater = labels.find(
    ([key, value]) =>
      /^com\.(?:centurylinklabs\.watchtower|ouroboros)\.enable$/.test(key) && /^(?:true|1|yes)$/i.test(value),
  );
  if (updater !== undefined) {
    const tool = updater[0].includes('watchtower') ? 'Watchtower' : 'Ouroboros';
    notes.push(
      `${tool} is configured to update it and replaces containers that Sluice deployed: remove the label ${updater[0]}`,
    );
  }
  if (labels.some(([key, value]) => key === 'sablier.enable' && /^true$/i.test(value))) {
    notes.push('Sablier is configured to stop it when it is idle: a stopped container counts as failed');
  }
  const isColored = strategy === 'blue-green' || strategy === 'workers';
  if (isColored && labels.some(([key]) => /^(?:ofelia\.job-exec|deck-chores)\./.test(key))) {
    const tool = labels.some(([key]) => key.startsWith('ofelia.')) ? 'Ofelia' : 'deck-chores';
    notes.push(`${tool} runs commands inside it by its labels: during a deploy they run in both colors`);
  }
  return notes;
}

/** Their labels for the port of the container. */
const ownPort =
  /^(?:virtual\.port|tsbridge\.service\.port|tsdproxy\.container_port|quicgate\.port|swag_port)$/i;

/** Proxies that find containers by labels of one prefix. */
const others: readonly (readonly [pattern: RegExp, proxy: string])[] = [
  [/^tsdproxy\./i, 'TSDProxy'], // almeidapaulopt/tsdproxy docs
  [/^tsbridge\./i, 'tsbridge'], // jtdowney/tsbridge docs/docker-labels.md
  [/^pangolin\./i, 'Pangolin'], // fosrl/newt docs, Docker label blueprints
  [/^quicgate\./i, 'Quicgate'], // Quicgate/quicgate, release notes of v1.2.0
  [/^virtual\.(?:host|port|alias|tls|tls-email|websockets|auth\..+|proxy\..+)$/i, 'caddy-gen'], // wemake-services/caddy-gen README
  [/^swag(?:_\w+)?$/i, 'SWAG'], // linuxserver/docker-mods, branch universal of swag-auto-proxy
];

function partsOf(service: ComposeService, name: string | undefined): RoutingPart[] {
  const names = [name, service.container_name].filter((text) => text !== undefined);
  const known = [traefikPart(service), caddyPart(service, names), nginxProxyPart(service)];
  const other = others.map(([pattern, proxy]): RoutingPart | undefined => {
    const labels = labelsOf(service).filter(([key]) => pattern.test(key));
    if (labels.length === 0) return undefined;
    const [from = '', text = ''] = labels.find(([key]) => ownPort.test(key)) ?? [];
    const port = portIn(text);
    return {
      kind: 'other',
      proxy,
      labels: labels.map(([key]) => key),
      variables: [],
      switches: [],
      routes: true,
      ports: port === undefined ? [] : [{ port, mode: 'http', from: `the label ${from}` }],
      needsTcp: false,
      notes: [],
    };
  });
  return [...known, ...other].filter((part) => part !== undefined);
}
