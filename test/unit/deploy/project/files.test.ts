import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { ComposeModel, ComposeVolume } from '../../../../src/config/model.ts';
import { filesOfVariables } from '../../../../src/config/mounts/carried-files.ts';
import { planMounts } from '../../../../src/config/mounts/plan.ts';
import { moveMounts } from '../../../../src/deploy/project/files.ts';

const base = mkdtempSync(join(tmpdir(), 'sluice-files-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

let repositories = 0;
/** A repository with the given files; a content of null makes a folder. */
function repository(files: Readonly<Record<string, string | null>>): string {
  repositories += 1;
  const folder = join(base, `repo ${repositories}`);
  mkdirSync(folder);
  for (const [path, content] of Object.entries(files)) {
    const full = join(folder, path);
    mkdirSync(join(full, '..'), { recursive: true });
    if (content === null) mkdirSync(full, { recursive: true });
    else writeFileSync(full, content);
  }
  return folder;
}

const bind = (source: string, more: Partial<ComposeVolume> = {}): ComposeVolume => ({
  type: 'bind',
  source,
  target: '/etc/app',
  read_only: true,
  ...more,
});
const model = (...volumes: ComposeVolume[]): ComposeModel => ({
  name: 'shop',
  services: { web: { volumes } },
});
/** Plans the mounts of a checkout, and moves what is carried; the first fault is thrown. */
async function moveAll(from: ComposeModel, folder: string) {
  const plan = await planMounts(from, folder, { env: process.env });
  if (plan.faults[0] !== undefined) throw plan.faults[0];
  return moveMounts(plan, '/srv/files');
}
const move = (folder: string, ...volumes: ComposeVolume[]) => moveAll(model(...volumes), folder);
const sources = (moved: Awaited<ReturnType<typeof move>>) =>
  moved.model.services.web?.volumes?.map((volume) => volume.source);
const failure = (code: string) => expect.objectContaining({ code });

describe('mounts of the repository', () => {
  test('a file travels under the hash of its content, with its mode', async () => {
    const folder = repository({ 'conf/app.conf': 'a', 'run.sh': 'b' });
    chmodSync(join(folder, 'run.sh'), 0o755);
    const moved = await move(
      folder,
      bind(join(folder, 'conf/app.conf')),
      bind(join(folder, 'run.sh'), { target: '/run.sh' }),
    );
    const named = (from: typeof moved, path: string) => from.files.find((file) => file.path === path);
    const [conf, run] = [named(moved, 'app.conf'), named(moved, 'run.sh')];
    expect(conf).toMatchObject({ path: 'app.conf', mode: 0o644 });
    expect(run).toMatchObject({ path: 'run.sh', mode: 0o755 });
    expect(sources(moved)).toEqual([`/srv/files/${conf?.hash}/app.conf`, `/srv/files/${run?.hash}/run.sh`]);
    chmodSync(join(folder, 'run.sh'), 0o644);
    const again = await move(
      folder,
      bind(join(folder, 'conf/app.conf')),
      bind(join(folder, 'run.sh'), { target: '/run.sh' }),
    );
    expect(named(again, 'app.conf')?.hash).toBe(conf?.hash);
    expect(named(again, 'run.sh')?.hash).not.toBe(run?.hash);
  });

  test('a folder travels whole', async () => {
    const folder = repository({
      'conf.d/b/deep.conf': '2',
      'conf.d/a.conf': '1',
      'conf.d/it\'s "odd".conf': '3',
    });
    const moved = await move(folder, bind(join(folder, 'conf.d')));
    expect(moved.files.map((file) => file.path).toSorted()).toEqual([
      'conf.d/a.conf',
      'conf.d/b/deep.conf',
      'conf.d/it\'s "odd".conf',
    ]);
    expect(sources(moved)).toEqual([`/srv/files/${moved.files[0]?.hash}/conf.d`]);
  });

  test('what is not of the repository stays', async () => {
    const folder = repository({ a: 'a' });
    const volumes = [
      bind('/var/run/docker.sock'),
      bind(`${folder}x/file`),
      { type: 'volume', source: 'data', target: '/data' },
      { type: 'tmpfs', target: '/tmp' },
    ];
    const moved = await move(folder, ...volumes);
    expect(moved.model.services.web?.volumes).toEqual(volumes);
    expect(moved.files).toEqual([]);
  });

  test('missing, writable and too large ones are errors that name the service and the path', async () => {
    const folder = repository({ 'data/file': 'x', large: '' });
    await expect(move(folder, bind(join(folder, 'none')))).rejects.toThrow(failure('compose.mount-missing'));
    await expect(move(folder, bind(join(folder, 'none')))).rejects.toThrow('services.web.volumes: ./none');
    await expect(
      move(folder, bind(join(folder, 'data'), { read_only: false, target: '/app/x' })),
    ).rejects.toThrow(failure('compose.mount-data'));
    truncateSync(join(folder, 'large'), 8 * 1024 ** 3);
    await expect(move(folder, bind(join(folder, 'large')))).rejects.toThrow(failure('compose.mount-large'));
    // A file may be mounted writable: it is small and often a habit.
    await expect(move(folder, bind(join(folder, 'data/file'), { read_only: false }))).resolves.toBeDefined();
  });
});

describe('links', () => {
  test('those within the repository are followed, to files and to folders', async () => {
    const folder = repository({ 'real/a.conf': 'a', 'conf/own': 'o' });
    symlinkSync('../real/a.conf', join(folder, 'conf/linked.conf'));
    symlinkSync('../real', join(folder, 'conf/folder'));
    symlinkSync('conf', join(folder, 'top'));
    const moved = await move(folder, bind(join(folder, 'top')));
    expect(moved.files.map(({ path, mode, content }) => [path, mode, content.toString()])).toEqual([
      ['top/folder/a.conf', 0o644, 'a'],
      ['top/linked.conf', 0o644, 'a'],
      ['top/own', 0o644, 'o'],
    ]);
    expect(sources(moved)).toEqual([`/srv/files/${moved.files[0]?.hash}/top`]);
  });

  test.each([
    ['to itself', 'self', 'self'],
    ['to the folder it is in', 'up', '.'],
    ['to nothing', 'dangling', 'nowhere'],
    ['out of the repository', 'escape', '../../etc/passwd'],
    ['to an absolute path', 'absolute', '/etc/passwd'],
  ])('one %s is an error', async (_what, name, to) => {
    const folder = repository({ 'conf/own': 'o' });
    symlinkSync(to, join(folder, 'conf', name));
    await expect(move(folder, bind(join(folder, 'conf')))).rejects.toThrow(failure('compose.mount-link'));
    await expect(move(folder, bind(join(folder, 'conf', name)))).rejects.toThrow(/compose|link|mounted/);
  });
});

describe('configs and secrets', () => {
  test('a secret’s file is 0600, even if the same file is mounted otherwise too', async () => {
    const folder = repository({ key: 'k' });
    const file = join(folder, 'key');
    for (const objects of [
      { secrets: { key: { file } }, configs: { key: { file } } },
      { configs: { key: { file } }, secrets: { key: { file } } },
    ]) {
      const services = { web: { volumes: [bind(file)], secrets: ['key'], configs: ['key'] } };
      const moved = await moveAll({ name: 'shop', services, ...objects }, folder);
      const secret = moved.model.secrets?.key?.file ?? '';
      const modes = new Map(
        moved.files.map((mountedFile) => [
          `/srv/files/${mountedFile.hash}/${mountedFile.path}`,
          mountedFile.mode,
        ]),
      );
      expect(modes.get(secret)).toBe(0o600);
      expect(modes.get(moved.model.configs?.key?.file ?? '')).toBe(0o644);
      expect(modes.size).toBe(2);
    }
  });

  test('external ones and those by value stay', async () => {
    const folder = repository({});
    const secrets = { a: { external: true }, b: { environment: 'B' }, c: { file: '/run/secret' } };
    const services = { web: { secrets: Object.keys(secrets) } };
    expect((await moveAll({ name: 'shop', services, secrets }, folder)).model.secrets).toEqual(secrets);
  });
});

test('a secret that is a variable travels as a file: the server does not have the variable', async () => {
  const from: ComposeModel = {
    ...{ name: 'shop', services: {} },
    secrets: { token: { environment: 'TOKEN' }, other: { external: true } },
    configs: { motd: { environment: 'MOTD' } },
  };
  const carried = filesOfVariables(from, { TOKEN: 'a$b', MOTD: 'hi' });
  const moved = await moveMounts({ model: from, carried }, '/srv/files');
  const token = moved.model.secrets?.['token'];
  expect(token).toEqual({ file: expect.stringMatching(/^\/srv\/files\/[0-9a-f]{16}\/TOKEN$/) });
  expect(moved.model.secrets?.['other']).toEqual({ external: true });
  expect(moved.files.map(({ path, mode, content }) => [path, mode, content.toString()])).toEqual([
    ['MOTD', 0o644, 'hi'],
    ['TOKEN', 0o600, 'a$b'],
  ]);
  expect(JSON.stringify(moved.model)).not.toContain('a$b');
});
