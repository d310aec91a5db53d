import type { ComposeService } from '../model.ts';

/**
 * Names by which a container reaches itself over the network, besides `localhost`: its service's name, `hostname`,
 * `container_name` and the aliases of its networks. Lower case, each once.
 */
export function ownNames(service: ComposeService, name: string | undefined): string[] {
  const { hostname, domainname } = service as { hostname?: unknown; domainname?: unknown };
  const aliases = Object.values(service.networks ?? {}).flatMap((network) => network?.aliases ?? []);
  const full =
    typeof hostname === 'string' && typeof domainname === 'string' ? `${hostname}.${domainname}` : undefined;
  const names = [name, service.container_name, hostname, full, ...aliases].filter(
    (candidate): candidate is string => typeof candidate === 'string' && candidate !== '',
  );
  return [...new Set(names.map((entry) => entry.toLowerCase()))];
}

/** Whether a host means the container itself. An empty one does: `:8080` is all of its addresses. */
export function isOwnHost(host: string, names: readonly string[]): boolean {
  const plain = host.toLowerCase().replace(/^\[|\]$/g, '');
  return (
    plain === '' ||
    /^(?:localhost|localhost\.localdomain|ip6-localhost|127(?:\.\d{1,3}){3}|0\.0\.0\.0|::1?|\*)$/.test(
      plain,
    ) ||
    names.includes(plain)
  );
}
