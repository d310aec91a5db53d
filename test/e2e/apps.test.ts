import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, type BedHost, upBed } from '../bed/bed.ts';
import { standIns } from '../bed/images.ts';
import { type CliRun, startCli, story, until } from './harness/cli.ts';
import { startSteadyLoad } from './harness/steady.ts';

// An app as the world writes them, without a line about its services in sluice.yml: a web service that is published, a
// worker that others call by name, a CMS of one image and one volume, a service that speaks first over TCP, a helper of
// someone else, and a one-shot. A neighbor in their network calls each of them by its name all the time.

const app = 'world';
let bed: Bed;
let host: BedHost;
let folder: string;

beforeAll(async () => {
  bed = await upBed({ hosts: 1, log: () => {} });
  const [first] = bed.hosts;
  if (first === undefined) throw new Error('no host');
  host = first;
  folder = mkdtempSync('/tmp/sluice-e2e-apps-');
  writeFileSync(
    join(folder, 'sluice.yml'),
    JSON.stringify({
      app,
      // The app's own image; the helper's is not below it.
      registry: standIns.python.replace(/:[^/]*$/, ''),
      ...{ drain: '500ms', watch: { for: '500ms', deadline: '4s' }, edge: { image: standIns.haproxy } },
      targets: { single: { hosts: [{ host: host.sshTarget, 'host-key': host.hostKey }], env: ['TOKEN'] } },
    }),
  );
  await host.wipe();
});
afterAll(async () => {
  await host?.exec('docker rm -f neighbor');
  await host?.wipe();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  bed?.release();
});

/** Answers every request with its version, and 500 if it is broken; the CMS counts its starts in its volume. */
const server = `
import http.server, os, sys, urllib.request
port, version = int(sys.argv[1]), os.environ['VERSION']
if os.path.isdir('/data'):
    with open('/data/starts', 'a') as file: file.write(version + '\\n')
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_GET(self):
        self.rfile.read(int(self.headers.get('Content-Length') or 0))
        self.send_response(500 if os.environ.get('BROKEN') else 200)
        self.send_header('X-Version', version)
        self.send_header('Content-Length', '0')
        self.end_headers()
    do_POST = do_GET
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(('', port), Handler).serve_forever()
`;

/** Speaks first, as SMTP does: an HTTP proxy before it would wait for a request for ever. */
const greeter = `
import os, socketserver
class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(('220 ' + os.environ['VERSION'] + '\\r\\n').encode())
        while True:
            line = self.rfile.readline()
            if not line or line.startswith(b'QUIT'): return
            self.wfile.write(b'250 ' + line)
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
Server(('', 1025), Handler).serve_forever()
`;

/** Calls all of them by name, twenty times a second each, over fresh connections; a line for each failure. */
const neighbor = `
import socket, threading, time, urllib.request
def http(url):
    with urllib.request.urlopen(url, timeout=10) as answer: return answer.headers.get('X-Version')
def smtp(name):
    with socket.create_connection((name, 1025), timeout=10) as connection:
        file = connection.makefile('rwb')
        greeting = file.readline().decode()
        file.write(b'HELO x\\r\\n'); file.flush()
        if not file.readline().startswith(b'250'): raise Exception('no answer')
        file.write(b'QUIT\\r\\n'); file.flush()
        return greeting.split()[1]
def loop(name, call):
    seen = set()
    while True:
        try:
            version = call()
            if version not in seen: print('seen', name, version, flush=True)
            seen.add(version)
        except Exception as error:
            print('failed', name, repr(error), flush=True)
        time.sleep(0.05)
calls = {
    'web': lambda: http('http://web:8000/'),
    'tasks': lambda: http('http://tasks:7000/'),
    'cms': lambda: http('http://cms:8000/'),
    'mail': lambda: smtp('mail'),
    'pdf': lambda: http('http://pdf/'),
}
for each in calls.items(): threading.Thread(target=loop, args=each).start()
`;

async function deploy(version: string, broken?: 'cms'): Promise<CliRun> {
  writeCompose(version, broken);
  const env = { TOKEN: 'synthetic-token' };
  return await startCli(['deploy', '--release', version], { folder, key: bed.privateKeyPath, env }).ended;
}

function writeCompose(version: string, broken?: 'cms'): void {
  const python = (script: string, ...args: string[]) => ({
    image: standIns.python,
    init: true,
    command: ['python3', '-c', script.replaceAll('$', '$$$$'), ...args],
  });
  const check = (port: number) => ({
    test: ['CMD', 'python3', '-c', `import urllib.request as u; u.urlopen('http://localhost:${port}/up')`],
    ...{ interval: '1s', retries: 3, start_period: '2s' },
  });
  const services = {
    web: {
      ...python(server, '8000'),
      ports: ['80:8000'],
      environment: { VERSION: version, TASKS_URL: 'http://tasks:7000', MAIL: 'smtp://mail:1025' },
      healthcheck: check(8000),
      depends_on: { cms: { condition: 'service_healthy' } },
    },
    tasks: { ...python(server, '7000'), environment: { VERSION: version } },
    cms: {
      ...python(server, '8000'),
      environment: { VERSION: version, ...(broken === 'cms' ? { BROKEN: 'yes' } : {}) },
      volumes: ['content:/data'],
      secrets: ['token'],
      healthcheck: check(8000),
    },
    mail: { ...python(greeter), environment: { VERSION: version }, expose: ['1025'] },
    pdf: { image: standIns.nginx },
    seed: {
      ...python("open('/data/seeded', 'a').write('x')"),
      volumes: ['content:/data'],
      restart: 'no',
    },
  };
  const volumes = { content: {} };
  const secrets = { token: { environment: 'TOKEN' } };
  writeFileSync(join(folder, 'compose.yml'), JSON.stringify({ services, volumes, secrets }));
}

/** Container of a service that a deploy replaces in place. */
const idOf = async (service: string) =>
  (await host.must(`docker inspect -f '{{.Id}}' ${app}-${service}-1`)).trim();
const inVolume = async (file: string) => await host.must(`docker exec ${app}-cms-1 cat /data/${file}`);
const logOf = async () => (await host.must('docker logs neighbor 2>&1')).trim().split('\n');
const failuresOf = async (service: string) =>
  (await logOf()).filter((line) => line.startsWith(`failed ${service} `));

test('two deploys and a failed one: names answer, and what was replaced in place comes back', async () => {
  const first = await deploy('v1');
  expect(first.report?.outcome, story(first)).toBe('confirmed');
  const pdf = await idOf('pdf');
  expect(await host.must(`docker exec ${app}-cms-1 cat /run/secrets/token`)).toBe('synthetic-token');
  await host.must(
    `docker run -d --name neighbor --network ${app}_default ${standIns.python} python3 -c '${neighbor.replaceAll("'", `'\\''`)}'`,
  );
  const seen = async (version: string, services: readonly string[]) => {
    await until(`the neighbor has seen ${version}`, async () => {
      const log = await logOf();
      return services.every((service) => log.includes(`seen ${service} ${version}`));
    });
  };
  const own = ['web', 'tasks', 'cms', 'mail'];
  await seen('v1', own);
  const load = startSteadyLoad([`http://${host.http.host}:${host.http.port}/`]);
  await until('the load runs', () => load.answered > 20);

  const second = await deploy('v2');
  expect(second.report?.outcome, story(second)).toBe('confirmed');
  await seen('v2', own);
  const before = (await failuresOf('cms')).length;

  const broken = await deploy('v3', 'cms');
  expect(broken.report?.outcome, story(broken)).toBe('undone');
  expect(broken.errors.map((error) => error.code)).toEqual(['health.unhealthy']);
  // The old definition is back, with its volume, and no color of the failed release is left.
  await until('the CMS answers again', async () => {
    const failed = (await failuresOf('cms')).length;
    await new Promise((resolve) => setTimeout(resolve, 500));
    return (await failuresOf('cms')).length === failed;
  });
  expect(await host.must(`docker exec ${app}-cms-1 printenv VERSION`)).toBe('v2\n');
  expect((await inVolume('starts')).trim().split('\n')).toEqual(['v1', 'v2', 'v3', 'v2']);
  expect(await host.must('docker ps -q --filter label=sluice.release=v3')).toBe('');

  expect(await load.stop()).toEqual([]);
  const log = await logOf();
  for (const service of ['web', 'tasks', 'mail', 'pdf'])
    expect(log.filter((line) => line.startsWith(`failed ${service} `))).toEqual([]);
  // The one that is replaced in place has its gap, and only it.
  expect((await failuresOf('cms')).length).toBeGreaterThan(before);
  expect(log).not.toContain('seen web v3');
  // Someone else's program that did not change was not touched; the one-shot ran in each deploy.
  expect(await idOf('pdf')).toBe(pdf);
  expect(await inVolume('seeded')).toBe('xxx');
});

test('a plain project’s container that is replaced in place comes back when the new one is not healthy', async () => {
  await host.exec('docker rm -f neighbor');
  await host.wipe();
  writeCompose('v1');
  const text = readFileSync(join(folder, 'compose.yml'), 'utf8');
  // As its team ran it before, of another image, with a variable that only the old container has.
  const plain = JSON.parse(text) as { services: Record<string, { image: string; environment: object }> };
  const { cms } = plain.services;
  if (cms === undefined) throw new Error('no cms');
  cms.image = 'cms:before';
  cms.environment = { VERSION: 'v0', ONLY_THERE: 'yes' };
  delete (cms as { secrets?: unknown }).secrets;
  plain.services = { cms };
  await host.must(`docker pull -q ${standIns.python} >/dev/null && docker build -q -t cms:before - <<'END' >/dev/null
FROM ${standIns.python}
LABEL before=yes
END
mkdir -p /tmp/plain && cd /tmp/plain && cat >compose.yml <<'END' && docker compose -p ${app} up -d --wait 2>&1
${JSON.stringify({ ...plain, secrets: {} })}
END`);
  const broken = await deploy('v1', 'cms');
  expect(broken.report?.outcome, story(broken)).toBe('undone');
  const env = await host.must(`docker exec ${app}-cms-1 printenv VERSION ONLY_THERE`);
  expect(env).toBe('v0\nyes\n');
  expect((await inVolume('starts')).trim().split('\n')).toEqual(['v0', 'v1', 'v0']);
  // Still Compose’s own: the plain project goes on as before.
  expect(await host.must(`cd /tmp/plain && docker compose -p ${app} ps --services`)).toBe('cms\n');
  const next = await deploy('v2');
  expect(next.report?.outcome, story(next)).toBe('confirmed');
  expect(await host.must(`docker exec ${app}-cms-1 printenv VERSION`)).toBe('v2\n');
  expect((await inVolume('starts')).trim().split('\n')).toEqual(['v0', 'v1', 'v0', 'v2']);
});
