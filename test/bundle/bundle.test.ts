import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { edgeFiles } from '../../src/deploy/traffic/edge-config.ts';
import { exactEnv } from '../../src/kernel/process/child-env.ts';
import { runProcess } from '../../src/kernel/process/process.ts';

const root = resolve(import.meta.dirname, '../..');
/** In the checkout, where packages are found. */
const work = join(root, 'build', `test-${process.pid}`);
/** Far from the checkout, so that nothing of it is found by accident. */
const elsewhere = mkdtempSync(join(tmpdir(), 'sluice-bundle-'));

/** The command line tool has no command that reads the edge's files without a host: this entry does nothing else. */
const probe = `
  import { edgeFiles } from './deploy/traffic/edge-config.js';
  console.log(JSON.stringify(edgeFiles(JSON.parse(process.argv[2]), 'haproxy')));`;
const spec = {
  service: 'backend',
  app: 'shop',
  ports: [{ port: 8000, mode: 'http' as const }],
  health: null,
};

async function build(name: string, cwd: string, ...more: string[]): Promise<string> {
  const script = join(root, 'scripts', 'build.ts');
  const out = join(elsewhere, name);
  const argv = [process.execPath, script, '--work', work, '--out', out, ...more] as const;
  const { code, stdout, stderr } = await runProcess(argv, { cwd });
  expect(code, stderr).toBe(0);
  return stdout;
}

beforeAll(async () => {
  await build('dist', root);
  await build('again', elsewhere);
  writeFileSync(join(elsewhere, 'probe.js'), probe);
  await build('probe', root, '--add', join(elsewhere, 'probe.js'));
}, 180_000);

afterAll(() => {
  rmSync(work, { recursive: true, force: true });
  rmSync(elsewhere, { recursive: true, force: true });
});

/** The code that a step has loaded by its end. */
async function loadedBy(entry: string): Promise<string> {
  const told = join(elsewhere, `${entry}.loaded`);
  const hook = join(elsewhere, 'tell-loaded.cjs');
  const write = `require('node:fs').writeFileSync(${JSON.stringify(told)}, Object.keys(require.cache).join('\\n'))`;
  writeFileSync(hook, `process.on('exit', () => ${write});`);
  const env = { PATH: process.env.PATH, HOME: elsewhere, NODE_OPTIONS: `--require ${hook}` };
  await runProcess([process.execPath, join(elsewhere, 'dist', entry)], {
    cwd: elsewhere,
    env: exactEnv(env),
  });
  const files = readFileSync(told, 'utf8').split('\n');
  return files.map((file) => readFileSync(file, 'latin1')).join('\n');
}

function run(entry: string, ...args: string[]) {
  const env = { PATH: process.env.PATH, HOME: elsewhere };
  return runProcess([process.execPath, join(elsewhere, entry), ...args], {
    cwd: elsewhere,
    env: exactEnv(env),
  });
}

/** Content by path below a folder. */
function contents(folder: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).sort();
  return new Map(paths.map((path) => [path.slice(folder.length + 1), readFileSync(path, 'latin1')]));
}

describe('the bundle', () => {
  test('is the same, byte for byte, when it is built again from another folder', () => {
    const [one, two] = [contents(join(elsewhere, 'dist')), contents(join(elsewhere, 'again'))];
    expect([...two.keys()]).toEqual([...one.keys()]);
    for (const [path, content] of one) expect(two.get(path) === content, path).toBe(true);
  });

  test('names no folder of the machine that built it, and has no code compiled for one platform', () => {
    for (const [path, content] of contents(join(elsewhere, 'dist'))) {
      // A checkout at /app is named in any text; only a path into it is a trace.
      for (const folder of ['build', 'node_modules', 'src'])
        expect(content.includes(`${root}/${folder}/`), path).toBe(false);
      expect(path).not.toMatch(/\.(node|exe|map)$/);
    }
  });

  test('carries the licences of what is in it, and only of that', () => {
    const text = contents(join(elsewhere, 'dist')).get('bundle/LICENSES.txt') ?? '';
    for (const name of [
      '@actions/core',
      '@actions/exec',
      '@actions/github',
      'commander',
      'dockerode',
      'node-ssh',
      'ssh2',
      'yaml',
      'zod',
    ]) {
      expect(text).toMatch(new RegExp(`^${name} \\d.*\\n(MIT|ISC|Apache-2.0)`, 'm'));
    }
    expect(text).not.toMatch(/^(vitest|typescript|undici|protobufjs|@grpc.*) \d/m);
  });

  test('is small: at most 4 MB, of which an action loads what it needs', () => {
    const sizes = [...contents(join(elsewhere, 'dist')).values()].map((content) => content.length);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(4_000_000);
  });

  // What a name of their own code gives away: no comment and no message of ours holds it.
  test.each([
    { what: 'a build', entry: 'build.js', loads: [] },
    { what: 'a post step with nothing to do', entry: 'deploy-post.js', loads: [] },
    { what: 'a deploy', entry: 'deploy.js', loads: ['ssh2', 'docker-modem'] },
  ])('SSH and Docker’s client are loaded where they are used: $what', async ({ entry, loads }) => {
    const text = await loadedBy(entry);
    expect(text).toContain('startAction');
    const marks = { ssh2: 'aes128-gcm@openssh.com', 'docker-modem': 'DOCKER_TLS_VERIFY' };
    const found = Object.entries(marks).flatMap(([name, mark]) => (text.includes(mark) ? [name] : []));
    expect(found).toEqual(loads);
  });

  test('runs far from the checkout, and loads a command when it is called', async () => {
    expect(await run('dist/cli.js', '--help')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Usage: sluice'),
    });
    // Reaches the command's chunk and the ones below it: configuration, SSH, engine.
    expect(await run('dist/cli.js', 'status', '--json')).toMatchObject({
      code: 2,
      stdout: expect.stringContaining('config.missing'),
    });
  });

  test('has the files of the edge', async () => {
    const { code, stdout, stderr } = await run('probe/bundle/index.js', JSON.stringify(spec));
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toEqual(JSON.parse(JSON.stringify(edgeFiles(spec, 'haproxy'))));
  });
});
