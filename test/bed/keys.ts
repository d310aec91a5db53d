import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { must } from './command.ts';
import { type HostPlace, hostPlace, maxHosts, stateDir } from './layout.ts';

/** An Ed25519 key pair in files: `path` (0600) and `path`.pub. */
export interface KeyFile {
  path: string;
  /** `ssh-ed25519 AAAA…`, without a comment. */
  publicKey: string;
}

export function clientKey(): Promise<KeyFile> {
  return keyFile('id_ed25519');
}

/** Made once and kept: a host that is built anew keeps its identity, as a restored server would. */
export function hostKey(place: HostPlace): Promise<KeyFile> {
  return keyFile(`${place.name}.key`);
}

/** Writes the pinned keys of all hosts that have one, and returns the file's path. */
export async function writeKnownHosts(): Promise<string> {
  const lines: string[] = [];
  for (let n = 1; n <= maxHosts; n++) {
    const place = hostPlace(n);
    if (!existsSync(join(stateDir(), `${place.name}.key`))) continue;
    lines.push(`[${place.ssh.host}]:${place.ssh.port} ${(await hostKey(place)).publicKey}\n`);
  }
  const path = join(stateDir(), 'known_hosts');
  writeFileSync(path, lines.join(''), { mode: 0o600 });
  return path;
}

async function keyFile(name: string): Promise<KeyFile> {
  const dir = stateDir();
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  chmodSync(dir, 0o700);
  const path = join(dir, name);
  if (!existsSync(path))
    await must(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'sluice-bed', '-f', path]);
  const [type, data] = readFileSync(`${path}.pub`, 'utf8').split(' ');
  return { path, publicKey: `${type} ${data}`.trim() };
}
