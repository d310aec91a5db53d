import { spawn } from 'node:child_process';
import type { Bed, BedHost } from '../../bed/bed.ts';
import type { Result } from '../../bed/command.ts';
import { command } from '../../bed/command.ts';

/** Where ssh connects to; another address than the host's own for a relay in between. */
export interface Place {
  readonly host: string;
  readonly port: number;
}

/** Runs a script on a host as a shell script would: OpenSSH's client, one connection. */
async function overSsh(bed: Bed, host: BedHost, script: string, at: Place = host.ssh): Promise<Result> {
  return command(sshArguments(bed, host, at, ['sh', '-s']), { stdin: script, timeout: 300_000 });
}

/** Like {@link overSsh}, but a non-zero exit code is an error. Returns stdout. */
export async function mustOverSsh(bed: Bed, host: BedHost, script: string, at?: Place): Promise<string> {
  const result = await overSsh(bed, host, script, at);
  if (result.code === 0) return result.stdout;
  throw new Error(`${host.name}: exit code ${result.code}\n${script}\n${result.stdout}${result.stderr}`);
}

/** Copies a folder's content to a folder on the host, over ssh. */
export function copyTo(bed: Bed, host: BedHost, from: string, to: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const tar = spawn('tar', ['-C', from, '-c', '.'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [program = 'ssh', ...args] = sshArguments(bed, host, host.ssh, [`mkdir -p ${to} && tar -C ${to} -x`]);
  const ssh = spawn(program, args, { stdio: [tar.stdout, 'inherit', 'inherit'] });
  ssh.on('error', reject);
  ssh.on('close', (code) =>
    code === 0 ? resolve() : reject(new Error(`copying to ${host.name}: exit code ${code}`)),
  );
  return promise;
}

/** The command line of OpenSSH's client. */
export function sshArguments(bed: Bed, host: BedHost, at: Place, remote: readonly string[]): string[] {
  // Through a relay the host has another address, but the same key.
  const options = [
    'StrictHostKeyChecking=yes',
    `UserKnownHostsFile=${bed.knownHostsPath}`,
    `HostKeyAlias=[${host.ssh.host}]:${host.ssh.port}`,
    'BatchMode=yes',
  ];
  return [
    ...['ssh', '-F', 'none', '-i', bed.privateKeyPath, '-p', `${at.port}`],
    ...options.flatMap((option) => ['-o', option]),
    `${host.ssh.user}@${at.host}`,
    ...remote,
  ];
}
