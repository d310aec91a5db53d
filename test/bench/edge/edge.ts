import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { activeMap, edgeCommand, edgeFiles, edgePaths } from '../../../src/deploy/traffic/edge-config.ts';
import { upBed } from '../../bed/bed.ts';
import { publish, type Spread, say, show, spread } from '../output.ts';
import { haproxyConfig, nginxConfig, replicaConfig } from './peers.ts';

const image = '127.0.0.1:5000/library/haproxy:3.0';
const nginxImage = '127.0.0.1:5000/library/nginx:1';
const edgeIp = '127.0.0.21';
const replicaIp = '127.0.0.22';
const port = 18_070;

/** Ways to reach the replica. All proxies listen on {@link edgeIp} and run in the host's network, one at a time. */
const ways = [
  ...(['direct', 'edge', 'edge, POST', 'nginx', 'HAProxy', 'HAProxy, one thread'] as const),
  'HAProxy, one thread, retries',
] as const;
type Way = (typeof ways)[number];

interface Measured {
  /** Requests a second. */
  readonly rate: number;
  /** 99th of 100 answers, ms. */
  readonly p99: number;
  readonly failed: number;
}

/**
 * Requests a second through the edge, beside the replica itself, nginx with keep-alive to the replica, and a plain HAProxy
 * that reuses connections as the edge does: `wrk -t1 -c32`, in turns. Then the memory of idle connections.
 */
export async function benchEdge(rounds: number, seconds: number): Promise<void> {
  if (spawnSync('wrk', ['-v']).error) throw new Error('wrk is missing: run scripts/setup edge-peers');
  const bed = await upBed({ hosts: 0 });
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-edge-'));
  const measured = new Map<Way, Measured[]>(ways.map((way) => [way, []]));
  try {
    start(folder, 'replica', nginxImage, 'nginx.conf', replicaConfig(replicaIp, port), nginxCommand);
    for (let round = 0; round < rounds; round += 1) {
      for (const way of ways) {
        const stop = await open(folder, way);
        const url = `http://${way === 'direct' ? replicaIp : edgeIp}:${port}/`;
        load(url, way, 1);
        const result = load(url, way, seconds);
        measured.get(way)?.push(result);
        say(`  ${way}: ${Math.round(result.rate)} requests/s, p99 ${result.p99} ms, ${result.failed} failed`);
        stop();
      }
    }
    const idle = await idleMemory(folder);
    tell(measured, idle);
    publish('edge', { rounds, seconds, measured: Object.fromEntries(measured), idle });
  } finally {
    remove('replica', 'proxy');
    rmSync(folder, { recursive: true, force: true });
    bed.release();
  }
}

/** Starts what the way needs, waits until it answers, and returns how to stop it. */
async function open(folder: string, way: Way): Promise<() => void> {
  if (way === 'direct') return () => {};
  if (way === 'nginx') {
    start(folder, 'proxy', nginxImage, 'nginx.conf', nginxConfig(edgeIp, replicaIp, port), nginxCommand);
  } else if (way.startsWith('HAProxy')) {
    const text = haproxyConfig(edgeIp, replicaIp, port, {
      ...(way === 'HAProxy' ? {} : { threads: 1 }),
      retries: way.endsWith('retries'),
    });
    start(folder, 'proxy', image, 'haproxy.cfg', text, ['haproxy', '-db', '-f', '/etc/peer/haproxy.cfg']);
  } else {
    startEdge(folder);
  }
  await answers();
  return () => remove('proxy');
}

function startEdge(folder: string): void {
  const dir = join(folder, 'edge');
  mkdirSync(join(dir, 'run'), { recursive: true, mode: 0o777 });
  const ports = [{ port, mode: 'http' as const }];
  const spec = { service: 'bench', app: 'bench', ports, health: { path: '/', port } };
  for (const { path, content } of edgeFiles(spec, image)) {
    writeFileSync(join(dir, path), content.replace(/bind :(\d+)/g, `bind ${edgeIp}:$1`));
  }
  writeFileSync(join(dir, 'active.map'), activeMap('blue', { blue: [replicaIp] }));
  const mounts = ['-v', `${dir}:${edgePaths.config}:ro`, '-v', `${join(dir, 'run')}:${edgePaths.run}`];
  const user = `${process.getuid?.()}:${process.getgid?.()}`;
  docker(
    'run',
    '-d',
    '--name',
    nameOf('proxy'),
    '--network',
    'host',
    '--user',
    user,
    ...mounts,
    image,
    ...edgeCommand,
  );
}

const nginxCommand = ['nginx', '-c', '/etc/peer/nginx.conf', '-g', 'daemon off;'];

function start(
  folder: string,
  name: string,
  of: string,
  file: string,
  text: string,
  command: readonly string[],
): void {
  const dir = join(folder, `${name}-${createHash('sha256').update(text).digest('hex').slice(0, 8)}`);
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, file), text);
  const entry = ['--entrypoint', command[0] ?? ''];
  docker(
    'run',
    '-d',
    '--name',
    nameOf(name),
    '--network',
    'host',
    '-v',
    `${dir}:/etc/peer:ro`,
    ...entry,
    of,
    ...command.slice(1),
  );
}

const nameOf = (name: string) => `sluice-bench-${name}`;

function docker(...words: string[]): string {
  return execFileSync('docker', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}

function remove(...names: string[]): void {
  for (const name of names) {
    try {
      execFileSync('docker', ['rm', '-f', nameOf(name)], { stdio: 'ignore' });
    } catch {
      // It is gone already.
    }
  }
}

async function answers(): Promise<void> {
  for (const end = Date.now() + 15_000; Date.now() < end; await sleep(100)) {
    try {
      if ((await fetch(`http://${edgeIp}:${port}/`)).ok) return;
    } catch {
      // Not yet.
    }
  }
  throw new Error(`the proxy does not answer: ${docker('logs', nameOf('proxy'))}`);
}

/** One run of wrk: a thread, 32 connections that stay open. */
function load(url: string, way: Way, seconds: number): Measured {
  const script = join(tmpdir(), `sluice-bench-post-${process.pid}.lua`);
  writeFileSync(script, `wrk.method = "POST"\nwrk.body = ("x"):rep(200)\n`);
  const words = [
    '-t1',
    '-c32',
    `-d${seconds}s`,
    '--latency',
    ...(way.endsWith('POST') ? ['-s', script] : []),
    url,
  ];
  const text = execFileSync('wrk', words, { encoding: 'utf8' });
  rmSync(script);
  const number = (pattern: RegExp) => Number(pattern.exec(text)?.[1] ?? Number.NaN);
  const [, value = 'NaN', unit = 'ms'] = /99%\s+([\d.]+)(us|ms|s)/.exec(text) ?? [];
  const failed = [
    /connect (\d+)/,
    /read (\d+)/,
    /write (\d+)/,
    /timeout (\d+)/,
    /Non-2xx or 3xx responses: (\d+)/,
  ];
  return {
    rate: number(/Requests\/sec:\s+([\d.]+)/),
    p99: Number(value) * { us: 0.001, ms: 1, s: 1000 }[unit as 'us' | 'ms' | 's'],
    failed: failed.reduce((sum, pattern) => sum + Number(pattern.exec(text)?.[1] ?? 0), 0),
  };
}

/** Memory of the edge's processes with nothing, and with clients that have had an answer and stay connected, in bytes. */
async function idleMemory(folder: string): Promise<{ clients: number; before: number; after: number }> {
  const stop = await open(folder, 'edge');
  const clients = 2000;
  const before = residentBytes();
  const sockets = await Promise.all(Array.from({ length: clients }, idleClient));
  const after = residentBytes();
  for (const socket of sockets) socket.destroy();
  stop();
  return { clients, before, after };
}

function idleClient(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, edgeIp);
    socket.once('error', reject);
    socket.once('data', () => resolve(socket));
    socket.write(`GET / HTTP/1.1\r\nHost: bench\r\n\r\n`);
  });
}

function residentBytes(): number {
  const pids = docker('top', nameOf('proxy'), '-o', 'pid').trim().split('\n').slice(1);
  const kilobytes = pids.map((pid) =>
    Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid.trim()}/status`, 'utf8'))?.[1] ?? 0),
  );
  return kilobytes.reduce((sum, kilobyte) => sum + kilobyte, 0) * 1024;
}

function tell(
  measured: Map<Way, Measured[]>,
  idle: { clients: number; before: number; after: number },
): void {
  const of = (way: Way) => measured.get(way) ?? [];
  const rate = (way: Way) => spread(of(way).map((sample) => sample.rate));
  const p99 = (way: Way) => spread(of(way).map((sample) => sample.p99));
  const text = ({ median, min, max }: Spread, digits: number) =>
    `${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)})`;
  show(
    ['way', 'requests/s', 'p99 ms', 'failed', '× HAProxy', 'p99 × HAProxy'],
    ways.map((way) => [
      way,
      text(rate(way), 0),
      text(p99(way), 1),
      `${of(way).reduce((sum, sample) => sum + sample.failed, 0)}`,
      (rate(way).median / rate('HAProxy').median).toFixed(2),
      (p99(way).median / p99('HAProxy').median).toFixed(2),
    ]),
  );
  const perThousand = (idle.after - idle.before) / idle.clients / 1024;
  say(
    `memory of the edge: ${(idle.before / 1024 ** 2).toFixed(1)} MiB, and ${perThousand.toFixed(1)} KiB for each idle client`,
  );
}
