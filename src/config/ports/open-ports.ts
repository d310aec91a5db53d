import type { ComposeService } from '../model.ts';

/**
 * Published ports of a service that anybody can reach. One of the loopback address has a proxy of the server in front
 * (docs/decisions/0015-who-is-in-front-of-an-edge.md).
 */
export function openPorts({ ports = [] }: Pick<ComposeService, 'ports'>): string[] {
  return ports.flatMap(({ published, host_ip: ip = '' }) =>
    published === undefined || /^(?:127\.|\[?::1\]?$)/.test(ip) ? [] : [published],
  );
}
