import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { dataFolderNotes, withDataFolders } from '../../../../src/config/mounts/data-folder.ts';
import { type MountPlan, strategyView } from '../../../../src/config/mounts/plan.ts';
import { describeServices, planServices } from '../../../../src/config/services/strategies.ts';
import { userErrorsOf } from '../../../../src/kernel/errors.ts';
import { config } from '../../../support/config/fixtures.ts';
import {
  checkout,
  faultLines,
  handlings,
  judge,
  python,
  removeCheckouts,
  web,
} from '../../../support/config/mount-fixtures.ts';

afterAll(removeCheckouts);

const root = '/opt/sluice/shop/data';
/** Sources of the mounts of a service on the server. */
const sourcesOf = ({ model, folders }: MountPlan, service = 'web') =>
  withDataFolders(model, folders, root).services[service]?.volumes?.map(({ source }) => source);

describe('a folder that containers write to, and that the repository has nothing in', () => {
  const volumes =
    '"./data:/app/data", "./var/instance/:/app/instance", "./cfg:/config", "./storage:/srv/store"';
  const kept = { 'storage/.gitkeep': '', 'storage/README.md': 'r', '.gitignore': 'data/\n/var\n*.db\n' };

  test('is a folder of the server, the same on a laptop and on a fresh clone', async () => {
    const laptop = checkout({ 'compose.yml': web(volumes), ...kept });
    laptop.commit();
    laptop.put('data/app.db', 'd');
    laptop.put('var/instance/secret.txt', 's');
    mkdirSync(join(laptop.folder, 'cfg'));
    const clone = checkout({ 'compose.yml': web(volumes), ...kept });
    clone.commit();
    const plans = [
      await laptop.plan(),
      await clone.plan(),
      await checkout({ 'compose.yml': web(volumes) }).plan(),
    ];
    for (const plan of plans) {
      expect([faultLines(plan), plan.warnings, plan.carried]).toEqual([[], [], {}]);
      expect(handlings(plan)).toEqual([
        'web:/app/data data folder',
        'web:/app/instance data folder',
        'web:/config data folder',
        'web:/srv/store data folder',
      ]);
      expect(sourcesOf(plan)).toEqual(
        ['data', 'var/instance', 'cfg', 'storage'].map((path) => `${root}/${path}`),
      );
    }
  });

  test('scripts of a database’s first start need not be there', async () => {
    const { faults, handled } = await judge('"./dumps-of-mine:/docker-entrypoint-initdb.d"');
    expect([faults, handled]).toEqual([[], ['web:/docker-entrypoint-initdb.d data folder']]);
  });

  test('is created by the engine, which the long syntax alone does not ask for', async () => {
    const { plan } = await judge('{ type: bind, source: ./data, target: /d, bind: { selinux: z } }');
    const { services } = withDataFolders(plan.model, plan.folders, root);
    expect(services.web?.volumes).toEqual([
      { type: 'bind', source: `${root}/data`, target: '/d', bind: { selinux: 'z', create_host_path: true } },
    ]);
  });

  test('beside and above the compose file: one place for one folder, and never out of the app’s data', async () => {
    const compose = `services:
  web: { image: a, volumes: ["../data/x:/x", "./data/../up$$load:/u", "../../out:/o"] }
  api: { image: b, volumes: ["./up$$load/:/up"] }
`;
    const repo = checkout({ 'docker/compose.yml': compose, '.gitignore': '' }, { below: 'docker' });
    repo.commit();
    const plan = await repo.plan();
    expect(faultLines(plan)).toEqual([
      expect.stringMatching(/^compose\.mount-outside .* \.\.\/\.\.\/out is outside/),
    ]);
    expect(sourcesOf(plan)?.slice(0, 2)).toEqual([`${root}/@above/data/x`, `${root}/up$$$$load`]);
    expect(sourcesOf(plan, 'api')).toEqual([`${root}/up$$$$load`]);
  });

  test('is read by others where it is, and not carried', async () => {
    const compose = `services:
  app: { build: ., volumes: ["./media:/app/media"] }
  nginx: { image: nginx, volumes: ["./media/public:/media:ro", "./media/robots.txt:/robots.txt:ro", "./web.conf:/etc/nginx/conf.d/web.conf:ro"] }
`;
    const repo = checkout({
      'compose.yml': compose,
      Dockerfile: python,
      'web.conf': 'w',
      '.gitignore': 'media',
    });
    repo.commit();
    const plan = await repo.plan();
    expect(handlings(plan)).toEqual([
      'app:/app/media data folder',
      'nginx:/media data folder',
      'nginx:/robots.txt refused',
      'nginx:/etc/nginx/conf.d/web.conf carried',
    ]);
    expect(sourcesOf(plan, 'nginx')?.[0]).toBe(`${root}/media/public`);
  });

  test('has an owner: a container that does not run as root needs a command', async () => {
    const notes = async (more: string, images = {}) =>
      dataFolderNotes((await judge('"./data:/data"', {}, more)).plan, root, images).map((note) =>
        note.replace(/^.* or removes it/, ''),
      );
    const way = (user: string, id: string) =>
      `. web runs as user ${user}, but the engine creates the folder as root: before the first deploy, run on the server \`mkdir -p ${root}/data && sudo chown ${id} ${root}/data\``;
    expect(await notes('image: a, user: "1000:1000"')).toEqual([way('1000:1000', '1000')]);
    expect(await notes('image: a', { web: { user: 'node' } })).toEqual([
      way('node', 'UID (the numeric ID of node in the image)'),
    ]);
    for (const user of ['root', '"0:0"', '""'])
      expect(await notes(`image: a, user: ${user}`, { web: { user: 'node' } })).toEqual(['']);
  });

  test('what it begins without is a warning', async () => {
    const repo = checkout({
      'compose.yml': web('"./storage:/var/www/storage", "./data:/data"'),
      'storage/app/.gitignore': '*\n!.gitignore',
      'storage/framework/cache/.gitignore': '*\n!.gitignore',
      '.gitignore': '',
    });
    repo.commit();
    repo.put('data/seed.json', '{}');
    expect((await repo.plan()).warnings).toEqual([
      'web: ./storage starts empty on the server: the app must create the folders that git keeps in it (app, framework/cache)',
      'web: ./data is data that a release does not include: its local files are not copied',
    ]);
  });
});

describe('what is no data folder', () => {
  test.each<[string, string, Readonly<Record<string, string | null>>, string]>([
    ['a file that is missing', './config.json:/app/config.json', {}, 'compose.mount-missing'],
    ['a file of a program without an extension', './Caddyfile:/Caddyfile', {}, 'compose.mount-missing'],
    ['an env file', './.env:/app/.env', {}, 'compose.mount-missing'],
    [
      'a folder that the engine made of a missing file',
      './app.yml:/app.yml',
      { 'app.yml': null },
      'compose.mount-missing',
    ],
    [
      'an ignored file',
      './app.yml:/app.yml',
      { 'app.yml': 'x', '.gitignore': 'app.yml' },
      'compose.mount-ignored',
    ],
    ['settings that a program reads', './conf.d:/etc/nginx/conf.d', {}, 'compose.mount-missing'],
    [
      'settings that git ignores',
      './conf.d:/etc/nginx/conf.d',
      { 'conf.d/a': 'x', '.gitignore': 'conf.d' },
      'compose.mount-ignored',
    ],
    ['keys', './certs:/srv/certs', {}, 'compose.mount-code'],
    [
      'what a build makes',
      './dist:/srv/dist',
      { '.gitignore': 'dist', 'dist/a.js': '' },
      'compose.mount-code',
    ],
    ['a whole checkout before its first commit', '.:/srv/shop', {}, 'compose.mount-code'],
    ['code', './lib:/srv/lib', { 'lib/a.js': '', '.gitignore': '' }, 'compose.mount-code'],
    [
      'pictures of the repository',
      './pictures:/m',
      { 'pictures/a.png': '', '.gitignore': '' },
      'compose.mount-data',
    ],
    ['a read-only folder', './data:/data:ro', {}, 'compose.mount-missing'],
    ['the home folder', '~/data:/data', {}, 'compose.mount-outside'],
  ])('%s', async (_, volume, files, code) => {
    const { plan } = await judge(`"${volume}"`, files);
    expect([plan.faults.map((fault) => fault.code), plan.folders]).toEqual([[code], {}]);
  });

  test('new files that are not committed yet', async () => {
    const repo = checkout({ 'compose.yml': web('"./pages:/m"'), '.gitignore': '' });
    repo.commit();
    repo.put('pages/a.html', 'a');
    expect((await repo.plan()).faults).toMatchObject([
      {
        code: 'compose.mount-data',
        hint: 'If the app writes them, add ./pages to .gitignore: then it is a folder on the server. If they belong to the repository, commit them.',
      },
    ]);
  });

  test('settings of the repository are carried, with a note', async () => {
    const { plan, faults } = await judge('"./configuration/app:/opt/app/settings"', {
      'configuration/app/a.toml': 'a',
      'configuration/app/b/c.properties': 'c',
      '.gitignore': '',
    });
    expect([faults, handlings(plan)]).toEqual([[], ['web:/opt/app/settings carried']]);
    expect(plan.notes).toEqual([
      'web: ./configuration/app is deployed as configuration: files that the container writes there stay with this release',
    ]);
  });
});

describe('two versions must not write to a folder at once', () => {
  const compose = `services:
  api: { build: ., expose: ["80"], volumes: ["./data/:/data", "./api.ini:/app/api.ini"] }
  worker: { build: ., command: celery -A a worker, volumes: ["./data:/data"] }
  web: { build: ., expose: ["80"], volumes: ["./data:/data:ro", "/var/run/docker.sock:/var/run/docker.sock"] }
  files: { build: ., expose: ["80"], volumes: ["/srv/files:/files", "/etc/localtime:/etc/localtime:ro"] }
  db: { image: a/b, volumes: ["./pg:/var/lib/postgresql/data"] }
`;
  const strategies = async (services: (typeof config)['services'] = {}) => {
    const plan = await checkout({ 'compose.yml': compose, Dockerfile: python, 'api.ini': 'a' }).plan();
    expect(plan.faults).toEqual([]);
    const model = strategyView(plan.model, plan);
    const settings = { ...config, registry: undefined, services };
    const errors = (() => {
      try {
        planServices(model, settings);
        return [];
      } catch (error) {
        return userErrorsOf(error).map(({ code, message }) => `${code} ${message}`);
      }
    })();
    return { plans: describeServices(model, settings), errors };
  };

  test('so the services are replaced in place, and the reason names the folder', async () => {
    const { plans } = await strategies();
    expect(
      plans.map(({ name, strategy, reason }) => `${name} ${strategy}: ${reason.split(/[,;]/)[0]}`),
    ).toEqual([
      'api recreate: it writes to ./data',
      'worker recreate: it writes to ./data',
      'web blue-green: it has a port',
      'files recreate: it writes to /srv/files',
      'db keep: a database stores its files at /var/lib/postgresql/data: a deploy never touches it',
    ]);
    expect(plans[0]?.notes).toEqual([
      'if two versions may write to ./data at once (uploads), shared-volumes: [./data] makes it blue-green',
    ]);
  });

  test('unless shared-volumes has the folder; blue-green without it is refused', async () => {
    const shared = { sharedVolumes: ['data'] };
    const { plans } = await strategies({
      api: shared,
      worker: shared,
      files: { sharedVolumes: ['/srv/files/'] },
    });
    expect(plans.map(({ strategy }) => strategy)).toEqual([
      'blue-green',
      'workers',
      'blue-green',
      'blue-green',
      'keep',
    ]);
    expect(plans.flatMap(({ notes = [] }) => notes).filter((note) => /write/.test(note))).toEqual([
      'both colors may write to /var/run/docker.sock during a deploy',
    ]);
    const { errors } = await strategies({ api: { strategy: 'blue-green' } });
    expect(errors).toEqual([
      'compose.shared-volume services.api: it cannot be blue-green while it writes to ./data (/data), because both colors write at once',
    ]);
  });
});
