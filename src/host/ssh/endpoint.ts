import type { HostConfig } from '../../config/model.ts';

/** One SSH server to connect to: the host itself, or the jump host before it. */
export interface Endpoint {
  readonly role: 'host' | 'jump';
  /** Its name in messages: `deploy@prod-1.example.com:2222`. */
  readonly label: string;
  readonly user: string;
  readonly address: string;
  readonly port: number;
  readonly hostKey: string | undefined;
}

export function endpointOf(config: HostConfig): Endpoint {
  const { name, user, address, port, hostKey } = config;
  return { role: 'host', label: name, user, address, port, hostKey };
}

/** The jump host of a host, or undefined if it is reached directly. */
export function jumpOf(config: HostConfig): Endpoint | undefined {
  if (config.jump === undefined) return undefined;
  const { user, address, port, hostKey } = config.jump;
  const label = `${user}@${address}${port === 22 ? '' : `:${port}`} (jump host of ${config.name})`;
  return { role: 'jump', label, user, address, port, hostKey };
}
