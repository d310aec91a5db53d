import { parseDocument } from 'yaml';
import type { ComposeService } from '../model.ts';
import {
  eachOnce,
  labelsOf,
  portIn,
  type RoutedPort,
  type RoutingPart,
  replicasOf,
  textOf,
} from './facts.ts';

// Sources: nginx-proxy/nginx-proxy 1.11 nginx.tmpl and docs; nginx-proxy/acme-companion app/ and docs.

/** Without one of these, nginx-proxy and acme-companion ignore a container; an empty one counts as missing. */
const switches = ['VIRTUAL_HOST', 'VIRTUAL_HOST_MULTIPORTS', 'LETSENCRYPT_HOST', 'ACME_HOST'];
const settings = new Set([
  ...['VIRTUAL_PORT', 'VIRTUAL_PATH', 'VIRTUAL_DEST', 'VIRTUAL_PROTO', 'VIRTUAL_ROOT', 'CERT_NAME'],
  ...['HTTPS_METHOD', 'HSTS', 'SSL_POLICY', 'NETWORK_ACCESS', 'SERVER_TOKENS', 'EXTERNAL_HTTP_PORT'],
  ...['EXTERNAL_HTTPS_PORT', 'ACME_HTTP_CHALLENGE_LOCATION', 'ENABLE_HTTP_ON_MISSING_CERT'],
]);
/** It restarts its own container at every renewal of the certificate, which an edge must never be. */
const restarts = /^(?:LETSENCRYPT|ACME)_RESTART_CONTAINER$/;

/** The part of a service that nginx-proxy and acme-companion read: variables, and labels `com.github.nginx-proxy.*`. */
export function nginxProxyPart(service: ComposeService): RoutingPart | undefined {
  const variables = Object.entries(service.environment ?? {}).map(
    ([key, value]) => [key, textOf(value)] as const,
  );
  const active = variables.filter(([key, value]) => switches.includes(key) && value.trim() !== '');
  const labels = labelsOf(service).filter(([key]) => key.toLowerCase().startsWith('com.github.nginx-proxy.'));
  if (active.length === 0 && labels.length === 0) return undefined;
  const read = variables.filter(
    ([key]) =>
      active.length > 0 &&
      (switches.includes(key) ||
        settings.has(key) ||
        (/^(?:LETSENCRYPT|ACME|ACMESH)_/.test(key) && !restarts.test(key))),
  );
  const values = new Map(read);
  const isTcp = isOther(values.get('VIRTUAL_PROTO'));
  const multiple = multiports(values.get('VIRTUAL_HOST_MULTIPORTS') ?? '');
  const single = portIn(values.get('VIRTUAL_PORT') ?? '');
  // The plural variable replaces the single ones.
  const ports: readonly RoutedPort[] =
    multiple.length > 0 || single === undefined
      ? multiple
      : [{ port: single, mode: isTcp ? 'tcp' : 'http', from: 'the variable VIRTUAL_PORT' }];
  return {
    kind: 'nginx-proxy',
    proxy: 'nginx-proxy',
    labels: labels.map(([key]) => key),
    variables: read.map(([key]) => key),
    switches: active.map(([key]) => key),
    routes: active.length > 0,
    ports: eachOnce(ports),
    needsTcp: isTcp || ports.some(({ mode }) => mode === 'tcp'),
    notes: notesOf(service, labels, variables, active),
  };
}

function isOther(protocol: unknown): boolean {
  return /^(?:https|uwsgi|fastcgi|grpcs?)$/i.test(textOf(protocol).trim());
}

/** YAML or JSON: hosts, in each of them paths, in each of these `port`, `dest` and `proto`; a port left out is 80. */
function multiports(text: string): RoutedPort[] {
  if (text.trim() === '') return [];
  const document = parseDocument(text, { logLevel: 'error' });
  let hosts: unknown;
  try {
    hosts = document.errors.length > 0 ? undefined : document.toJS({ maxAliasCount: 100 });
  } catch {
    // An alias to nothing, or too many. nginx-proxy makes no host of what it cannot read, with or without an edge.
  }
  return entriesOf(hosts).flatMap(([, paths]) => {
    const found = entriesOf(paths).map(([, path]) => Object.fromEntries(entriesOf(path)));
    return (found.length > 0 ? found : [{}]).flatMap((path: Record<string, unknown>): RoutedPort[] => {
      const port = path.port === undefined ? 80 : portIn(textOf(path.port));
      if (port === undefined) return [];
      const mode = isOther(path.proto) ? 'tcp' : 'http';
      return [{ port, mode, from: 'the variable VIRTUAL_HOST_MULTIPORTS' }];
    });
  });
}

function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

function notesOf(
  service: ComposeService,
  labels: readonly (readonly [string, string])[],
  variables: readonly (readonly [string, string])[],
  active: readonly (readonly [string, string])[],
): string[] {
  const notes: string[] = [];
  const isSticky = labels.some(([key, value]) => /\.loadbalance$/i.test(key) && /hash/.test(value));
  if (isSticky && replicasOf(service) > 1) {
    notes.push(
      'nginx-proxy’s ip_hash no longer chooses a replica, because nginx sees one server, the edge: keep sessions in a store that all replicas share',
    );
  }
  const restart = variables.find(([key, value]) => restarts.test(key) && value.trim() !== '');
  if (restart !== undefined && active.length > 0) {
    notes.push(`${restart[0]} no longer has an effect: acme-companion sees the edge, which must not restart`);
  }
  const words = JSON.stringify([service.command, service.entrypoint, service.healthcheck?.test]);
  for (const [name] of active) {
    if (!new RegExp(`\\$\\{?${name}\\b`).test(words)) continue;
    notes.push(`its command reads ${name}, which its containers no longer get: use a separate variable`);
  }
  return notes;
}
