import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, type BedHost, upBed } from '../bed/bed.ts';
import { standIns } from '../bed/images.ts';
import { ask } from '../bed/load/ask.ts';
import { type CliRun, startCli, story } from './harness/cli.ts';

// An app with `registry: none`, from its build to a rollback: no registry has its images, and none is asked for them.

const app = 'carried';
const codeBytes = 64 * 1024;

let bed: Bed;
let host: BedHost;
let folder: string;

beforeAll(async () => {
  bed = await upBed({ hosts: 1, log: () => {} });
  const [first] = bed.hosts;
  if (first === undefined) throw new Error('no host');
  host = first;
  await host.wipe();
  await host.exec(removeImages);
  folder = mkdtempSync('/tmp/sluice-e2e-carried-');
  writeProject();
});
afterAll(async () => {
  await host?.freeDisk();
  await host?.wipe(app);
  await host?.exec(removeImages);
  execFileSync('sh', ['-c', removeImages], { stdio: 'ignore' });
  rmSync(folder, { recursive: true, force: true });
  bed?.release();
});

const removeImages = `docker image ls --format '{{.Repository}}:{{.Tag}}' 'localhost/${app}/*' | xargs -r docker image rm --force`;

function writeProject(): void {
  mkdirSync(join(folder, 'web'));
  const put = (path: string, text: string | Buffer) => writeFileSync(join(folder, path), text);
  const place = { host: host.sshTarget, 'host-key': host.hostKey };
  const config = {
    ...{ app, registry: 'none', keep: 1, drain: '500ms' },
    watch: { for: '500ms', deadline: '4s' },
    edge: { image: standIns.haproxy },
    targets: { single: { hosts: [place] } },
  };
  put('sluice.yml', JSON.stringify(config));
  const web = {
    build: './web',
    ports: ['80:8000'],
    healthcheck: { test: ['CMD', 'python3', '/app.py', 'check'], interval: '1s', start_interval: '200ms' },
  };
  put('compose.yml', JSON.stringify({ services: { web } }));
  put(
    'web/Dockerfile',
    `FROM ${standIns.python}\nCOPY steady /\nCOPY app.py /\nCOPY code /\nUSER 10001\nCMD ["python3", "/app.py"]\n`,
  );
  put('web/steady', randomBytes(1024 * 1024));
  put(
    'web/app.py',
    `import http.server, sys, time, urllib.request
if sys.argv[1:] == ['check']:
    urllib.request.urlopen('http://127.0.0.1:8000/')
    sys.exit(0)
version = open('/code', 'rb').read(2).decode()
if version == 'r0':
    sys.exit('no such release')
time.sleep(2)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header('X-Version', version)
        self.send_header('Content-Length', '0')
        self.end_headers()
http.server.ThreadingHTTPServer(('', 8000), Handler).serve_forever()
`,
  );
}

async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CliRun> {
  return await startCli(args, { folder, key: bed.privateKeyPath, env }).ended;
}

/** A build with new code, which answers with the release's name. */
async function build(release: string, bytes = codeBytes): Promise<void> {
  writeFileSync(join(folder, 'web/code'), Buffer.concat([Buffer.from(release), randomBytes(bytes)]));
  const built = await run(['build', '--images', `${release}.json`]);
  expect(built.code, story(built)).toBe(0);
  const { pushed, images } = JSON.parse(built.stdout) as { pushed: boolean; images: { web: string } };
  expect(pushed).toBe(false);
  expect(images.web).toMatch(/^localhost\/carried\/web:sha256-[0-9a-f]{64}$/);
}

const deployOf = (release: string) => ['deploy', '--release', release, '--images', `${release}.json`];

async function expectServes(release: string): Promise<void> {
  const url = `http://${host.http.host}:${host.http.port}`;
  const answer = await ask(url, { path: '/', agent: false, wanted: 200, timeoutMs: 10_000 });
  expect(answer.version).toBe(release);
}

const imagesOnHost = async () =>
  (await host.must(`docker image ls --format '{{.Repository}}:{{.Tag}}' 'localhost/${app}/*'`))
    .trim()
    .split('\n');

test('the first deploy carries the image, the second what changed, and a rollback at once nothing', async () => {
  await build('r1');
  const first = await run(deployOf('r1'));
  expect(first.report?.outcome, story(first)).toBe('confirmed');
  expect(first.report?.carried, story(first)).toHaveLength(1);
  await expectServes('r1');

  // Nothing changed: no build is started, and the images are the same.
  const again = await run(['build', '--images', 'r1.json']);
  expect(JSON.parse(again.stdout)).toMatchObject({ targets: [{ outcome: 'reused' }], steps: { run: 0 } });

  await build('r2');
  const second = await run(deployOf('r2'));
  expect(second.report?.outcome, story(second)).toBe('confirmed');
  expect(second.report?.carried, story(second)).toMatchObject([{ images: 1, moved: 1, full: false }]);
  expect(second.report?.carried?.[0]?.bytes).toBeLessThan(1.05 * codeBytes);
  const [step] =
    second.report?.hosts.flatMap(({ steps }) => steps.filter(({ name }) => name === 'transfer')) ?? [];
  expect(step?.note).toMatch(/^moved 1 of \d+ layers, 6\d\.\d kB$/);
  await expectServes('r2');

  // Where it runs there is no engine at all now.
  const back = await run(['rollback', 'r1'], { DOCKER_HOST: 'unix:///nowhere.sock' });
  expect(back.report?.outcome, story(back)).toBe('confirmed');
  expect(back.report?.carried).toBeUndefined();
  await expectServes('r1');
});

test('an image that is nowhere stops the deploy before anything is changed', async () => {
  const nowhere = { web: `localhost/${app}/web:sha256-${'0'.repeat(64)}` };
  writeFileSync(join(folder, 'r9.json'), JSON.stringify(nowhere));
  const failed = await run(deployOf('r9'));
  expect(failed.code).toBe(1);
  expect(failed.errors.map(({ code }) => code)).toEqual(['image.nowhere']);
  await expectServes('r1');
});

test('a full disk is told, nothing half-done stays, and with room it works', async () => {
  await build('r3', 8 * 1024 * 1024);
  await host.fillDisk(4);
  const failed = await run([...deployOf('r3'), '--no-preflight']);
  expect(
    failed.errors.map(({ code }) => code),
    story(failed),
  ).toEqual(['host.disk-full']);
  await expectServes('r1');
  await host.freeDisk();
  const done = await run(deployOf('r3'));
  expect(done.report?.outcome, story(done)).toBe('confirmed');
  await expectServes('r3');
  expect((await host.must(`ls /opt/sluice/${app}`)).split('\n')).not.toContain('incoming');
});

test('images of a release that fails go with it, and those that no kept release needs are pruned', async () => {
  const before = await imagesOnHost();
  await build('r0');
  const failed = await run(deployOf('r0'));
  expect(
    failed.errors.map(({ code }) => code),
    story(failed),
  ).toEqual(['health.exited']);
  expect((await imagesOnHost()).sort()).toEqual(before.sort());
  await build('r4');
  expect((await run(deployOf('r4'))).report?.outcome).toBe('confirmed');
  await expectServes('r4');
  const status = JSON.parse((await run(['status'])).stdout) as { hosts: { releases: unknown[] }[] };
  const kept = ['r3', 'r4'].map((release) => imageOf(release));
  expect(await imagesOnHost(), JSON.stringify(status)).toEqual(expect.arrayContaining(kept));
  expect(await imagesOnHost()).toHaveLength(kept.length);
});

function imageOf(release: string): string {
  const text = execFileSync('cat', [join(folder, `${release}.json`)], { encoding: 'utf8' });
  return (JSON.parse(text) as { web: string }).web;
}
