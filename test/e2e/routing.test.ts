import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, type BedHost, upBed } from '../bed/bed.ts';
import { must } from '../bed/command.ts';
import { standIns } from '../bed/images.ts';
import { type CliRun, startCli, story, until } from './harness/cli.ts';
import { startSteadyLoad } from './harness/steady.ts';

// An app behind proxies that find their targets by labels: Traefik on port 80 leads to `web`, and, for /site, to Caddy
// with caddy-docker-proxy, which leads to `site`. Both are the real thing (scripts/setup proxies).

const app = 'labelled';
const tools = join(import.meta.dirname, '../../.bed/tools/bin');
const proxies = { traefik: 'traefik', caddy: 'caddy-docker-proxy' } as const;

let bed: Bed;
let host: BedHost;
let folder: string;
let urls: { web: string; site: string };

beforeAll(async () => {
  bed = await upBed({ hosts: 1, log: () => {} });
  const [first] = bed.hosts;
  if (first === undefined) throw new Error('no host');
  host = first;
  const base = `http://${host.http.host}:${host.http.port}`;
  urls = { web: `${base}/shop`, site: `${base}/site/page` };
  folder = mkdtempSync('/tmp/sluice-e2e-routing-');
  const place = { host: host.sshTarget, 'host-key': host.hostKey };
  const service = { strategy: 'blue-green', port: 8000, health: '/up' };
  writeFileSync(
    join(folder, 'sluice.yml'),
    JSON.stringify({
      app,
      services: { web: service, site: service },
      ...{ drain: '500ms', watch: { for: '500ms', deadline: '4s' }, edge: { image: standIns.haproxy } },
      targets: { single: { hosts: [place] } },
    }),
  );
  await host.wipe();
  await startProxies();
});
afterAll(async () => {
  await host?.wipe();
  await host?.exec('docker network rm proxy; rm -rf /bed/proxies');
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  bed?.release();
});

/** The proxies as containers of the host, as a server has them that several apps share. */
async function startProxies(): Promise<void> {
  await host.must(
    'mkdir -p /bed/proxies; docker network inspect proxy >/dev/null 2>&1 || docker network create proxy',
  );
  for (const [name, binary] of Object.entries(proxies)) {
    const path = join(tools, binary);
    if (!existsSync(path)) throw new Error(`${path} is missing: run scripts/setup proxies`);
    await must(['docker', 'cp', '--follow-link', path, `${host.name}:/bed/proxies/${name}`]);
  }
  await host.must(`set -eu
run() {
  name=$1; shift
  docker run -d --name "$name" --network proxy -v /var/run/docker.sock:/var/run/docker.sock:ro \\
    -v "/bed/proxies/$name:/$name:ro" "$@" >/dev/null
}
docker pull -q ${standIns.debian} >/dev/null
run traefik -p 80:80 ${standIns.debian} /traefik --entrypoints.web.address=:80 --api.insecure=true \\
  --providers.docker=true --providers.docker.network=proxy --global.checknewversion=false --global.sendanonymoususage=false
run caddy -e CADDY_INGRESS_NETWORKS=proxy -l 'traefik.http.routers.caddy.rule=PathPrefix(\`/site\`)' \\
  -l traefik.http.services.caddy.loadbalancer.server.port=80 ${standIns.debian} /caddy docker-proxy`);
}

/** A server that answers everything with its version; a broken one answers 500. */
const code = `
import http.server, os
broken = os.environ['BROKEN'] == 'yes'
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_GET(self):
        self.rfile.read(int(self.headers.get('Content-Length') or 0))
        self.send_response(500 if broken else 200)
        self.send_header('X-Version', os.environ['VERSION'])
        self.send_header('Content-Length', '0')
        self.end_headers()
    do_POST = do_GET
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(('', 8000), Handler).serve_forever()
`;

interface Shape {
  readonly version: string;
  readonly broken?: boolean;
  /** Traefik's rule for `web`. */
  readonly rule?: string;
}

const rule = 'PathPrefix(`/`)';

async function deploy({ version, broken = false, ...shape }: Shape): Promise<CliRun> {
  const check = (url: string) => ({
    test: ['CMD', 'python3', '-c', `import urllib.request as u; u.urlopen('${url}')`],
    ...{ interval: '1s', retries: 2 },
  });
  const base = {
    image: standIns.python,
    command: ['python3', '-c', code],
    init: true,
    environment: { VERSION: version, BROKEN: broken ? 'yes' : 'no' },
  };
  const web = {
    ...base,
    ...{ container_name: 'the-web', hostname: 'web-host' },
    networks: { proxy: { aliases: ['storefront'] }, default: {} },
    labels: { 'traefik.http.routers.web.rule': shape.rule ?? rule, 'homepage.name': 'Shop' },
    healthcheck: check('http://localhost:8000/up'),
  };
  const site = {
    ...base,
    networks: ['proxy'],
    labels: { caddy: ':80', 'caddy.reverse_proxy': '{{upstreams 8000}}' },
    // By its own name: through the edge, the old color would answer for a new one that is broken.
    healthcheck: check('http://site:8000/up'),
  };
  const networks = { proxy: { external: true } };
  writeFileSync(join(folder, 'compose.yml'), JSON.stringify({ services: { web, site }, networks }));
  return await startCli(['deploy', '--release', version], { folder, key: bed.privateKeyPath }).ended;
}

/** Addresses on the proxies' network of the edges. */
async function edgeAddresses(): Promise<Record<'web' | 'site', string>> {
  const text = await host.must(`for service in web site; do
  docker inspect -f '{{.NetworkSettings.Networks.proxy.IPAddress}}' "${app}-$service-edge-1"
done`);
  const [web = '', site = ''] = text.trim().split('\n');
  return { web, site };
}

/** Asks both proxies what they have, five times a second, and notes it on the host. */
const watchProxies = `
traefik=$(docker inspect -f '{{.NetworkSettings.Networks.proxy.IPAddress}}' traefik)
caddy=$(docker inspect -f '{{.State.Pid}}' caddy)
: >/bed/proxies/seen
while [ -e /bed/proxies/seen ]; do
  curl -s -m 2 "http://$traefik:8080/api/http/services?per_page=100" >>/bed/proxies/seen
  echo >>/bed/proxies/seen
  nsenter -t "$caddy" -n curl -s -m 2 http://localhost:2019/config/ >>/bed/proxies/seen
  echo >>/bed/proxies/seen
  sleep 0.2
done`;

/** Addresses that the proxies had as targets on port 8000, by the kind of line that names them. */
async function seenTargets(): Promise<{ traefik: string[]; caddy: string[]; samples: number }> {
  const lines = (await host.must('cat /bed/proxies/seen')).split('\n').filter((line) => line !== '');
  const all = (pattern: RegExp) => [
    ...new Set(lines.flatMap((line) => [...line.matchAll(pattern)].map(([, address = '']) => address))),
  ];
  return {
    traefik: all(/"url":"http:\/\/([\d.]+):8000"/g),
    caddy: all(/"dial":"([\d.]+):8000"/g),
    samples: lines.length,
  };
}

async function rulesOfWeb(): Promise<string[]> {
  const text = await host.must(
    `curl -s "http://$(docker inspect -f '{{.NetworkSettings.Networks.proxy.IPAddress}}' traefik):8080/api/http/routers"`,
  );
  const routers = JSON.parse(text) as { name: string; rule: string; service: string }[];
  return routers
    .filter(({ name }) => name === 'web@docker')
    .map((router) => `${router.service}: ${router.rule}`);
}

const versionAt = async (url: string) =>
  (await fetch(url, { signal: AbortSignal.timeout(5_000) })).headers.get('x-version');

test('three deploys and a broken one behind Traefik and Caddy: none of the requests fails', async () => {
  const first = await deploy({ version: 'v1' });
  expect(first.report?.outcome, story(first)).toBe('confirmed');
  await until('both proxies lead to the app', async () => {
    const answers = await Promise.all(
      Object.values(urls).map((url) => versionAt(url).catch(() => undefined)),
    );
    return answers.every((version) => version === 'v1');
  });
  const watching = host.exec(watchProxies, { timeout: 120_000 });
  const load = startSteadyLoad(Object.values(urls));
  await until('the load runs', () => load.answered > 50);

  const second = await deploy({ version: 'v2' });
  expect(second.report?.outcome, story(second)).toBe('confirmed');
  const broken = await deploy({ version: 'v3', broken: true });
  expect(broken.report?.outcome, story(broken)).toBe('undone');
  expect(broken.errors.map((error) => error.code)).toEqual(['health.component']);
  const third = await deploy({ version: 'v4' });
  expect(third.report?.outcome, story(third)).toBe('confirmed');

  await until('the new release answers', () => load.versions.has('v4'));
  const answered = load.answered;
  expect(await load.stop()).toEqual([]);
  expect(answered).toBeGreaterThan(200);
  expect([...load.versions].sort()).toEqual(['v1', 'v2', 'v4']);

  const edges = await edgeAddresses();
  const seen = await seenTargets();
  // Traefik takes containers without its labels too: the edge of `site`, but never a color.
  expect(seen.traefik.sort()).toEqual([edges.web, edges.site].sort());
  expect(seen.caddy).toEqual([edges.site]);
  expect(seen.samples).toBeGreaterThan(20);
  await host.must('rm /bed/proxies/seen');
  await watching;
});

test('every name of the service leads to its edge, on the proxies’ network too', async () => {
  const edges = await edgeAddresses();
  const names = ['web', 'the-web', 'web-host', 'storefront', `${app}-web-1`];
  const resolved = await host.must(
    `for name in ${names.join(' ')}; do docker exec traefik getent ahostsv4 $name | cut -d ' ' -f 1 | sort -u; done`,
  );
  expect(resolved.trim().split('\n')).toEqual(names.map(() => edges.web));
  // But a health check that asks by the service's name stays in its own container.
  const color = await host.must(
    `docker ps -q --filter label=sluice.service=site --filter label=sluice.colour`,
  );
  const own = await host.must(`docker exec ${color.trim()} getent ahostsv4 site`);
  expect(own).toMatch(/^127\.0\.0\.1\s/);
});

test('a changed rule goes to the edge, which is announced; a broken release brings the old one back', async () => {
  const service = `web-${app}`;
  expect(await rulesOfWeb()).toEqual([`${service}: ${rule}`]);
  const changed = 'PathPrefix(`/`) && !PathPrefix(`/secret`)';
  const broken = await deploy({ version: 'v5', broken: true, rule: changed });
  expect(broken.report?.outcome, story(broken)).toBe('undone');
  expect(broken.lines.map((line) => line.message).join('\n')).toContain('its edge is replaced');
  await until('the old rule is back', async () => (await rulesOfWeb()).join() === `${service}: ${rule}`);
  await until('the old release answers', async () => (await versionAt(urls.web)) === 'v4');
  const done = await deploy({ version: 'v6', rule: changed });
  expect(done.report?.outcome, story(done)).toBe('confirmed');
  await until('the new rule counts', async () => (await rulesOfWeb()).join() === `${service}: ${changed}`);
  await until('the new release answers', async () => (await versionAt(urls.web)) === 'v6');
});
