import { execFile } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  activeMap,
  edgeCommand,
  edgeFiles,
  edgePaths,
  edgeStopSignal,
  replicaName,
} from '../../../src/deploy/traffic/edge-config.ts';
import { guardClient } from '../../../src/deploy/traffic/guard.ts';
import { eventually } from '../../support/edge/bed.ts';

// The edge as it runs on a host: in its container, as an ordinary user, on a network with Docker's own DNS.
const image = process.env.SLUICE_HAPROXY_IMAGE ?? '127.0.0.1:5000/library/haproxy:3.0';
const node = process.env.SLUICE_NODE_IMAGE ?? '127.0.0.1:5000/library/node:22-slim';
const network = `sluice-edge-test-${process.pid}`;
const owner = process.getuid?.() === 0 ? 1000 : (process.getuid?.() ?? 1000);
const dir = mkdtempSync(join(tmpdir(), 'sluice-edge-'));
const app = `require('http').createServer((_, r) => r.end(process.env.COLOUR)).listen(80); process.on('SIGTERM', () => process.exit());`;

const run = promisify(execFile);
const docker = async (...argv: string[]) => (await run('docker', argv)).stdout.trim();

const guard = guardClient(
  (command) =>
    new Promise((resolve, reject) => {
      let answer = '';
      connect(join(dir, 'run', 'admin.sock'))
        .on('data', (chunk) => {
          answer += chunk;
        })
        .on('end', () => resolve(answer))
        .on('error', reject)
        .end(`${command}\n`);
    }),
);

const addressOf = (name: string) =>
  docker(
    'inspect',
    '-f',
    `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`,
    `${network}-${name}`,
  );

async function replica(colour: 'blue' | 'green', number: number, answersTo?: string): Promise<void> {
  const known = answersTo ?? replicaName('shop', 'shop_api', colour);
  const alias = ['--network', network, '--network-alias', known];
  const name = `${network}-${colour}-${number}`;
  await docker('run', '-d', '--name', name, ...alias, '-e', `COLOUR=${colour}`, node, 'node', '-e', app);
}

const up = (colour: 'blue' | 'green', count: number) =>
  eventually(`${count} of ${colour} are up`, async () => {
    const status = await guard.status().catch(() => undefined);
    return status?.colours[colour].up === count;
  });

beforeAll(async () => {
  const spec = {
    service: 'shop_api',
    app: 'shop',
    ports: [{ port: 80, mode: 'http' }],
    health: { path: '/', port: 80 },
  } as const;
  mkdirSync(join(dir, 'run'), { mode: 0o700 });
  for (const { path, content, mode } of edgeFiles(spec, image))
    writeFileSync(join(dir, path), content, { mode });
  writeFileSync(join(dir, 'active.map'), activeMap('blue'));
  if (process.getuid?.() === 0) for (const path of [dir, join(dir, 'run')]) chownSync(path, owner, owner);
  await docker('network', 'create', network);
  await replica('blue', 1);
  const mounts = ['-v', `${dir}:${edgePaths.config}:ro`, '-v', `${join(dir, 'run')}:${edgePaths.run}`];
  const names = ['--name', `${network}-edge`, '--network', network, '--network-alias', 'shop_api'];
  const user = ['--user', `${owner}:${owner}`, '--dns', '127.0.0.1', '--stop-signal', edgeStopSignal];
  await docker('run', '-d', ...names, ...user, ...mounts, image, ...edgeCommand);
  await up('blue', 1);
});

afterAll(async () => {
  const left = await docker('ps', '-aq', '--filter', `network=${network}`);
  if (left !== '') await docker('rm', '-f', ...left.split('\n'));
  await docker('network', 'rm', network);
  rmSync(dir, { recursive: true, force: true });
});

test('Docker’s DNS tells it of replicas, of new addresses and of a new colour', async () => {
  const edge = `http://${await addressOf('edge')}/`;
  const colour = async () => (await fetch(edge, { headers: { connection: 'close' } })).text();
  expect(await colour()).toBe('blue');

  await replica('blue', 2);
  await up('blue', 2);

  // The address of the stopped replica goes to another container, so it comes back with a new one.
  const before = await addressOf('blue-1');
  await docker('stop', '-t', '1', `${network}-blue-1`);
  await up('blue', 1);
  await docker(
    'run',
    '-d',
    '--name',
    `${network}-guest`,
    '--network',
    network,
    '--ip',
    before,
    node,
    'sleep',
    '60',
  ).catch(
    // Without a subnet of our own Docker gives the next free address, which serves as well.
    () => docker('start', `${network}-guest`).catch(() => ''),
  );
  await docker('start', `${network}-blue-1`);
  await up('blue', 2);
  const { servers } = (await guard.status()).colours.blue;
  expect(servers.map((server) => server.addr)).toContain(await addressOf('blue-1'));
  expect(await colour()).toBe('blue');

  await replica('green', 1);
  await guard.servers('green');
  await up('green', 1);
  await guard.switch({ from: 'blue', to: 'green', nonce: 'n-1', deadlineSeconds: 30 });
  expect(await colour()).toBe('green');
  await guard.revert('n-1');
});

test('a stranger with the service’s name and color is none of its replicas', async () => {
  await replica('blue', 9, 'shop_api-blue');
  await replica('green', 9, replicaName('other', 'shop_api', 'green'));
  const answer = await guard.servers('blue');
  const strangers = await Promise.all(['blue-9', 'green-9'].map(addressOf));
  for (const stranger of strangers) expect(answer).not.toContain(stranger);
  const { blue, green } = (await guard.status()).colours;
  expect([...blue.servers, ...green.servers].map(({ addr }) => addr)).not.toContain(strangers[0]);
  expect([...blue.servers, ...green.servers].map(({ addr }) => addr)).not.toContain(strangers[1]);
  await docker('rm', '-f', `${network}-blue-9`, `${network}-green-9`);
});

test('its socket belongs to its user alone', async () => {
  const mode = (await run('stat', ['-c', '%a %u', join(dir, 'run', 'admin.sock')])).stdout.trim();
  expect(mode).toBe(`600 ${owner}`);
});

test('a crash of HAProxy keeps the container and its address', async () => {
  const [address, began] = [
    await addressOf('edge'),
    await docker('inspect', '-f', '{{.State.StartedAt}}', `${network}-edge`),
  ];
  const pid = /^Pid: (\d+)/m.exec(await ask('show info'))?.[1] ?? '';
  await docker('exec', `${network}-edge`, 'sh', '-c', `kill -9 ${pid}`);
  await eventually('another process answers', async () => {
    const now = /^Pid: (\d+)/m.exec(await ask('show info').catch(() => ''))?.[1];
    return now !== undefined && now !== pid;
  });
  await up('blue', 2);
  expect(await (await fetch(`http://${address}/`, { headers: { connection: 'close' } })).text()).toBe('blue');
  expect(await addressOf('edge')).toBe(address);
  expect(await docker('inspect', '-f', '{{.State.StartedAt}}', `${network}-edge`)).toBe(began);
});

test('it is small, and its stop signal ends it', async () => {
  const processes = (await docker('top', `${network}-edge`, '-o', 'pid,comm')).split('\n');
  const pid = processes
    .find((line) => line.includes('haproxy'))
    ?.trim()
    .split(/\s+/)[0];
  const residentKb = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  expect(residentKb).toBeLessThan(40_000);
  await docker('stop', '-t', '20', `${network}-edge`);
  expect(await docker('inspect', '-f', '{{.State.ExitCode}}', `${network}-edge`)).toBe('0');
});

function ask(command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    connect(join(dir, 'run', 'admin.sock'))
      .on('data', (chunk) => {
        answer += chunk;
      })
      .on('end', () => resolve(answer))
      .on('error', reject)
      .end(`${command}\n`);
  });
}
