import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where everything of the bed is. There is one bed per machine: every checkout uses the same one. */

export const network = { name: 'sluice-bed', subnet: '10.211.0.0/24' };

export const registry = {
  container: 'sluice-bed-registry',
  volume: 'sluice-bed-registry',
  /** On the bed's network. */
  address: '10.211.0.5',
  /** On this machine, and (forwarded) on every host: the same reference works on both sides. */
  reference: '127.0.0.1:5000',
};

export const maxHosts = 9;

export interface HostPlace {
  name: string;
  address: string;
  ssh: { host: string; port: number; user: string };
  http: { host: string; port: number };
  volumes: { docker: string; disk: string; home: string };
}

/** The fixed names and addresses of host N, from 1. */
export function hostPlace(n: number): HostPlace {
  if (!Number.isInteger(n) || n < 1 || n > maxHosts)
    throw new Error(`the bed has hosts 1 to ${maxHosts}, not ${n}`);
  const name = `sluice-bed-host-${n}`;
  const loopback = `127.0.0.${10 + n}`;
  return {
    name,
    address: `10.211.0.${10 + n}`,
    ssh: { host: loopback, port: 2222, user: 'deploy' },
    http: { host: loopback, port: 8080 },
    volumes: { docker: `${name}-docker`, disk: `${name}-disk`, home: `${name}-home` },
  };
}

/** Keys and the lock: outside every checkout, so that another checkout finds the running bed. */
export function stateDir(): string {
  return join(process.env.XDG_STATE_HOME ?? join(homedir(), '.local', 'state'), 'sluice-bed');
}
