import type { ComposeService } from '../model.ts';
import { eachOnce, labelsOf, portIn, type RoutedPort, type RoutingPart, replicasOf } from './facts.ts';

// Source: lucaslorentz/caddy-docker-proxy v2.13 generator/containers.go, labels.go, generator.go.

/** A template that becomes the addresses of the container: `{{upstreams}}`, `{{upstreams 8000}}`, `{{upstreams https 8443}}`. */
const upstreams = /\{\{-?\s*upstreams\b([^{}]{0,200})\}\}/g;

/**
 * The part of a service that caddy-docker-proxy reads: labels `caddy`, `caddy_1`, `caddy.…` and `caddy_ingress_network`. The
 * proxy can be given another prefix; a label whose value calls `upstreams` shows which.
 *
 * @param names names of the service, to know an upstream that is written as a name (`web:8000`).
 */
export function caddyPart(service: ComposeService, names: readonly string[]): RoutingPart | undefined {
  const all = labelsOf(service);
  const prefixes = ['caddy', ...all.filter(([, value]) => /\{\{-?\s*upstreams\b/.test(value)).map(prefixOf)];
  const labels = all.filter(
    ([key]) => key === 'caddy_ingress_network' || prefixes.some((prefix) => isBelow(key, prefix)),
  );
  if (labels.length === 0) return undefined;
  const ports = labels.flatMap((label) => portsOf(label, labels, names));
  return {
    kind: 'caddy-docker-proxy',
    proxy: 'caddy-docker-proxy',
    labels: labels.map(([key]) => key),
    variables: [],
    switches: [],
    routes: labels.some(([key]) => key !== 'caddy_ingress_network'),
    ports: eachOnce(ports),
    needsTcp: ports.some(({ mode }) => mode === 'tcp'),
    notes: notesOf(labels, service),
  };
}

type Label = readonly [key: string, value: string];

function prefixOf([key]: Label): string {
  return (key.split('.')[0] ?? '').replace(/_\d+$/, '');
}

/** `^caddy(_\d+)?(\.|$)`, as the proxy has it. */
function isBelow(key: string, prefix: string): boolean {
  return key.startsWith(prefix) && /^(?:_\d+)?(?:\.|$)/.test(key.slice(prefix.length));
}

function portsOf([key, value]: Label, all: readonly Label[], names: readonly string[]): RoutedPort[] {
  const from = `the label ${key}`;
  const isTcp = speaksOtherwise(key, all);
  const called = [...value.matchAll(upstreams)].map(([, options = '']): RoutedPort => {
    const words = options
      .trim()
      .split(/\s+/)
      .map((word) => word.replace(/^["'`]|["'`]$/g, ''));
    const isTls = words.includes('https');
    const port = words.map(portIn).find((number) => number !== undefined);
    const mode = isTcp || isTls || words.includes('h2c') ? 'tcp' : 'http';
    return { port: port ?? (isTls ? 443 : 80), mode, from };
  });
  if (!/(?:reverse_proxy|php_fastcgi|proxy)$/.test(key)) return called;
  const named = value.split(/\s+/).flatMap((word): RoutedPort[] => {
    const [, scheme = '', host = '', digits = ''] = /^(?:(\w+):\/\/)?([\w.-]+):(\d{1,5})$/.exec(word) ?? [];
    const port = portIn(digits);
    if (port === undefined || !names.includes(host)) return [];
    return [{ port, mode: isTcp || /^(?:https|h2c)$/.test(scheme) ? 'tcp' : 'http', from }];
  });
  return [...called, ...named];
}

/** Whether the directive of a label, or a sub-directive of it, speaks anything but HTTP/1.1 without TLS. */
function speaksOtherwise(key: string, all: readonly Label[]): boolean {
  if (/\b(?:\d+_)?php_fastcgi\b/.test(key) || /\.(?:\d+_)?layer4\b/.test(key)) return true;
  const below = all.filter(([other]) => other.startsWith(`${key}.`));
  return below.some(([other, value]) => {
    const [, path = ''] = /\.(?:\d+_)?transport(?:\.([\s\S]*))?$/.exec(other) ?? [];
    if (!/\.(?:\d+_)?transport\b/.test(other)) return false;
    if (path === '') return /\bfastcgi\b/.test(value);
    return (
      /^(?:\d+_)?(?:tls|proxy_protocol)/.test(path) || (/versions$/.test(path) && /h2c|\b2\b/.test(value))
    );
  });
}

function notesOf(labels: readonly Label[], service: ComposeService): string[] {
  const notes: string[] = [];
  const isSticky = labels.some(
    ([key, value]) => /lb_policy$/.test(key) && /cookie|hash|header|query|uri/.test(value),
  );
  if (isSticky && replicasOf(service) > 1) {
    notes.push(
      'Caddy’s lb_policy no longer chooses a replica, because Caddy sees one server, the edge: keep sessions in a store that all replicas share',
    );
  }
  const template = labels.find(([, value]) => /\{\{[^{}]{0,200}\.(?:Names|Labels|ID|Image)\b/.test(value));
  if (template !== undefined) {
    notes.push(
      `the label ${template[0]} is a container template: it resolves to the name, labels or ID of the edge`,
    );
  }
  return notes;
}
