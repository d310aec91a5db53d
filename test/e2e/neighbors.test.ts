import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Bed, type BedHost, upBed } from '../bed/bed.ts';
import { standIns } from '../bed/images.ts';
import { type CliRun, startCli, story } from './harness/cli.ts';

// Two apps with a service of one name on one server and one external network, as behind a shared proxy, and a plain
// container that answers to the same names as their colors.

const apps = ['north', 'south', 'west'] as const;
type App = (typeof apps)[number];

let bed: Bed;
let host: BedHost;
const folders = new Map<App, string>();

beforeAll(async () => {
  bed = await upBed({ hosts: 1, log: () => {} });
  const [first] = bed.hosts;
  if (first === undefined) throw new Error('no host');
  host = first;
  await host.wipe();
  for (const app of apps) {
    const folder = mkdtempSync(`/tmp/sluice-e2e-${app}-`);
    folders.set(app, folder);
    writeConfig(folder, app);
  }
});
afterAll(async () => {
  await host?.wipe();
  for (const folder of folders.values()) rmSync(folder, { recursive: true, force: true });
  bed?.release();
});

function writeConfig(folder: string, app: string, root?: string): void {
  const at = { host: host.sshTarget, 'host-key': host.hostKey, ...(root === undefined ? {} : { root }) };
  writeFileSync(
    join(folder, 'sluice.yml'),
    JSON.stringify({
      app,
      ...{ drain: '200ms', watch: { for: '300ms', deadline: '4s' }, edge: { image: standIns.haproxy } },
      targets: { production: { hosts: [at], url: publicUrl() }, staging: { hosts: [at] } },
    }),
  );
}

const publicUrl = () => `http://${host.http.host}:${host.http.port}/`;

/** Answers with the app's name and the version. */
const server = `
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = (' '.join(sys.argv[1:])).encode()
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(('', 8000), Handler).serve_forever()
`;

interface Shape {
  readonly name?: string;
  readonly port?: number;
  readonly alias?: string;
  readonly broken?: boolean;
}

/** @param shape the service's name, the port of the host, an alias and with it another network, and whether the app ends at once. */
function writeCompose(
  app: App,
  version: string,
  { name = 'web', port, alias, broken = false }: Shape = {},
): string {
  const folder = folders.get(app) ?? '';
  const web = {
    image: standIns.python,
    init: true,
    command: ['python3', '-c', broken ? 'print("no way"); raise SystemExit(3)' : server, app, version],
    ...(port === undefined ? { expose: ['8000'] } : { ports: [`${port}:8000`] }),
    networks: alias === undefined ? { proxy: null } : { proxy: { aliases: [alias] }, inner: null },
    healthcheck: {
      test: ['CMD', 'python3', '-c', `import urllib.request as u; u.urlopen('http://localhost:8000/up')`],
      ...{ interval: '1s', retries: 3 },
    },
  };
  const networks = { proxy: { external: true }, ...(alias === undefined ? {} : { inner: {} }) };
  writeFileSync(join(folder, 'compose.yml'), JSON.stringify({ services: { [name]: web }, networks }));
  return folder;
}

async function sluice(app: App, args: readonly string[], env: Record<string, string> = {}): Promise<CliRun> {
  const folder = folders.get(app) ?? '';
  return await startCli(args, { folder, key: bed.privateKeyPath, env }).ended;
}

async function deploy(app: App, version: string): Promise<void> {
  writeCompose(app, version);
  const run = await sluice(app, ['deploy', 'production', '--release', version]);
  expect(run.report?.outcome, story(run)).toBe('confirmed');
}

/** What 40 requests through an app's edge were answered, each answer once. */
async function answersOf(app: App): Promise<string[]> {
  const url = `http://${app}-web-1:8000/`;
  const script = `import urllib.request as u; print(*sorted({u.urlopen('${url}').read().decode() for _ in range(40)}), sep=chr(10))`;
  return (await host.must(`docker exec asker python3 -c "${script}"`)).trim().split('\n');
}

test('each edge sends requests to its own app alone, whatever else is on the network', async () => {
  await host.must('docker network create proxy');
  const plain = (name: string, ...more: string[]) =>
    host.must(
      `docker run -d --name ${name} --network proxy ${more.join(' ')} ${standIns.python} python3 -c '${server.replaceAll("'", `'\\''`)}' stranger`,
    );
  await plain('asker');
  await plain('stranger', '--network-alias web-blue', '--network-alias web-green');
  await deploy('north', 'v1');
  await deploy('south', 'v1');
  expect(await answersOf('north')).toEqual(['north v1']);
  expect(await answersOf('south')).toEqual(['south v1']);
  // Both colors of one beside the one of the other.
  await deploy('north', 'v2');
  expect(await answersOf('north')).toEqual(['north v2']);
  expect(await answersOf('south')).toEqual(['south v1']);
});

test('what is another target’s, another folder’s or another repository’s is refused by every command', async () => {
  const commands = [
    ['deploy', '--release', 'v9'],
    ['plan', '--release', 'v9'],
    ['rollback'],
    ['status'],
    ['history'],
    ['backup', 'list'],
    ['backup', 'make'],
    ['backup', 'verify'],
    ['restore', '20260101-000000-x', '--yes'],
  ];
  const codes = async (target: string, some: typeof commands, env = {}) => {
    const found: string[] = [];
    for (const [first = '', ...rest] of some) {
      const isPart = first === 'backup';
      const words = isPart ? [first, rest[0] ?? '', target] : [first, target, ...rest];
      const run = await sluice('north', words, env);
      found.push(`${first} ${run.errors.map(({ code }) => code).join(' ')}`);
    }
    return found;
  };
  const all = (code: string, some = commands) => some.map(([first]) => `${first} ${code}`);
  const few = commands.filter(([first]) => first === 'deploy' || first === 'restore');
  expect(await codes('staging', commands)).toEqual(all('target.other'));
  const folder = folders.get('north') ?? '';
  writeConfig(folder, 'north', '/opt/sluice/elsewhere');
  expect(await codes('production', few)).toEqual(all('target.elsewhere', few));
  expect(await host.must('ls /opt/sluice/elsewhere 2>/dev/null || true')).toBe('');
  writeConfig(folder, 'north');
  const ci = (repository: string) => ({ GITHUB_ACTIONS: 'true', GITHUB_REPOSITORY: repository });
  writeCompose('north', 'v3');
  const owned = await sluice('north', ['deploy', 'production', '--release', 'v3'], ci('acme/north'));
  expect(owned.report?.outcome, story(owned)).toBe('confirmed');
  expect(await codes('production', few, ci('other/north'))).toEqual(all('target.repository', few));
  expect(await answersOf('north')).toEqual(['north v3']);
});

test('a proxy that keeps the address of an adopted container: the container runs again, and the run says why', async () => {
  const { services } = JSON.parse(readFileSync(join(writeCompose('west', 'v1'), 'compose.yml'), 'utf8'));
  // As its team ran it: a plain project of the app's name, and an nginx of somebody else in front.
  const plain = JSON.stringify({ services, networks: { proxy: { external: true } } }).replaceAll(
    "'",
    `'\\''`,
  );
  await host.must(`printf %s '${plain}' | docker compose -p west -f - up -d --wait 2>&1`);
  const format = '{{.NetworkSettings.Networks.proxy.IPAddress}}';
  const ip = (await host.must(`docker inspect -f '${format}' west-web-1`)).trim();
  const front = async (upstream: string) => {
    const site = `server { listen 80; location / { proxy_pass http://${upstream}:8000; proxy_connect_timeout 1s; } }`;
    await host.must(`docker rm -f front >/dev/null 2>&1
docker run -d --name front --network proxy -p 80:80 --entrypoint sh ${standIns.nginx} -c '
rm -rf /etc/nginx/sites-enabled; echo "${site}" >/etc/nginx/conf.d/default.conf; exec nginx -g "daemon off;"'`);
    await vi.waitFor(async () => expect(await answer()).toMatch(/^west/), { timeout: 10_000 });
  };
  const answer = async () => (await fetch(publicUrl(), { headers: { connection: 'close' } })).text();
  await front(ip);
  writeCompose('west', 'v2');
  const run = await sluice('west', ['deploy', 'production', '--release', 'v2']);
  expect([run.code, run.report?.outcome], story(run)).toEqual([1, 'confirmed']);
  expect(run.errors.map(({ code }) => code)).toEqual(['adopt.url']);
  expect(run.errors[0]?.message).toContain('They are running again and the URL answers');
  expect(await answer()).toBe('west v1');
  // Somebody has read the message.
  await front('west-web-1');
  const again = await sluice('west', ['deploy', 'production', '--release', 'v2', '--force']);
  expect([again.code, again.report?.outcome], story(again)).toEqual([0, 'confirmed']);
  expect(await answer()).toBe('west v2');
  expect(await host.must('docker ps -aq --filter name=^west-web-1$')).toBe('');
  await host.must('docker rm -f front');
});

test('a port goes from one service to another in one go, and comes back when the deploy fails', async () => {
  const answer = async () => (await fetch(publicUrl(), { headers: { connection: 'close' } })).text();
  const go = async (version: string, shape: Shape) => {
    writeCompose('south', version, shape);
    return await sluice('south', ['deploy', 'production', '--release', version]);
  };
  const published = await go('v2', { port: 80 });
  expect(published.report?.outcome, story(published)).toBe('confirmed');
  expect(await answer()).toBe('south v2');

  // Renamed, and the new one ends at once: the former edge has its port again.
  const broken = await go('v3', { name: 'app', port: 80, broken: true });
  expect(broken.report?.outcome, story(broken)).toBe('undone');
  expect(broken.errors.map(({ code }) => code)).toEqual(['health.exited']);
  expect(story(broken)).toContain('no way');
  expect(await answer()).toBe('south v2');

  const renamed = await go('v4', { name: 'app', port: 80 });
  expect(renamed.report?.outcome, story(renamed)).toBe('confirmed');
  expect(await answer()).toBe('south v4');
  expect(
    await host.must(
      'docker ps -aq --filter label=sluice.edge --filter label=sluice.app=south --filter label=sluice.service=web',
    ),
  ).toBe('');

  // Another alias and another network: the edge's container has both from its start, so it is made anew, or stays.
  const resolves = async (...names: string[]) =>
    (await host.must(`docker exec asker getent hosts ${names.join(' ')} | awk '{ print $2 }' || true`))
      .trim()
      .split('\n');
  const unproven = await go('v5', { name: 'app', port: 80, alias: 'shop', broken: true });
  expect(unproven.report?.outcome, story(unproven)).toBe('undone');
  expect(await answer()).toBe('south v4');
  expect(await resolves('shop', 'app')).toEqual(['app']);
  const named = await go('v6', { name: 'app', port: 80, alias: 'shop' });
  expect(named.report?.outcome, story(named)).toBe('confirmed');
  expect(await answer()).toBe('south v6');
  expect(await resolves('shop', 'app')).toEqual(['shop', 'app']);

  // Another app asks for the same port: nothing was touched.
  const taken = await sluice('north', ['plan', 'production', '--release', 'v4']);
  writeCompose('north', 'v4', { port: 80 });
  const refused = await sluice('north', ['deploy', 'production', '--release', 'v4']);
  expect([taken.code, refused.errors.map(({ code }) => code)]).toEqual([0, ['preflight.port-taken']]);
  expect(refused.errors[0]?.message).toContain('south-app-edge-1');
});
