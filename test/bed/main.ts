import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { downBed, upBed } from './bed.ts';
import { command } from './command.ts';
import { hostPlace, stateDir } from './layout.ts';

const usage = `The test bed: a registry and servers in containers on this machine.

  node test/bed/main.ts up [HOSTS]            bring it up (2 hosts)
  node test/bed/main.ts down [--volumes]      remove it; with --volumes also its data
  node test/bed/main.ts status
  node test/bed/main.ts ssh N [COMMAND...]    log in to host N as deploy`;

async function main([verb, ...args]: string[]): Promise<number> {
  switch (verb) {
    case 'up':
      return up(args[0] === undefined ? 2 : Number(args[0]));
    case 'down':
      await downBed({ volumes: args.includes('--volumes') });
      return 0;
    case 'status':
      return status();
    case 'ssh':
      return ssh(Number(args[0]), args.slice(1));
    default:
      console.error(usage);
      return 2;
  }
}

async function up(hosts: number): Promise<number> {
  const bed = await upBed({ hosts });
  console.log(`registry  ${bed.registry}`);
  for (const host of bed.hosts) {
    console.log(
      `${host.name}  ssh ${host.sshTarget}  http http://${host.http.host}:${host.http.port}  ${host.address}`,
    );
  }
  console.log(`key ${bed.privateKeyPath}\nknown hosts ${bed.knownHostsPath}`);
  bed.release();
  return 0;
}

async function status(): Promise<number> {
  const format = 'table {{.Names}}\t{{.Status}}\t{{.Ports}}';
  const result = await command([
    'docker',
    'ps',
    '--all',
    '--filter',
    'name=^sluice-bed-',
    '--format',
    format,
  ]);
  console.log((result.stdout + result.stderr).trim());
  return result.code;
}

async function ssh(n: number, remote: string[]): Promise<number> {
  const { ssh: at } = hostPlace(n);
  const options = ['StrictHostKeyChecking=yes', `UserKnownHostsFile=${join(stateDir(), 'known_hosts')}`];
  const child = spawn(
    'ssh',
    [
      ...options.flatMap((option) => ['-o', option]),
      ...['-F', 'none', '-i', join(stateDir(), 'id_ed25519'), '-p', String(at.port), `${at.user}@${at.host}`],
      ...remote,
    ],
    { stdio: 'inherit' },
  );
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 128));
  });
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`bed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
