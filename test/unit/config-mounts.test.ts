import { symlinkSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { localModel } from '../../src/config/local-model.ts';
import { checkout, faultLines, handlings, removeCheckouts } from './mount-fixtures.ts';

afterAll(removeCheckouts);

const web = (volumes: string, more = 'image: acme/web') =>
  `services: { web: { ${more}, volumes: [${volumes}] } }`;
const python = 'FROM python:3.13\nWORKDIR /srv/shop\nCOPY . .\nCMD ["gunicorn", "shop:app"]\n';

/** What becomes of one mount of `web`, and why not. */
async function judge(volumes: string, files: Readonly<Record<string, string | null>> = {}, more?: string) {
  const repo = checkout({ 'compose.yml': web(volumes, more), ...files });
  if ('.gitignore' in files) repo.commit();
  const plan = await repo.plan();
  return { plan, faults: faultLines(plan), handled: handlings(plan) };
}

describe('whose a path is', () => {
  test('a relative path is the repository’s, up to the top of git and not beyond', async () => {
    const files = {
      'apps/shop/compose.yml': web(
        '"../../etc/proxy.conf:/etc/proxy.conf:ro", "../../../x.conf:/etc/x.conf:ro"',
      ),
      'etc/proxy.conf': 'p',
    };
    const repo = checkout(files, { below: 'apps/shop' });
    repo.commit();
    const plan = await repo.plan();
    expect(handlings(plan)).toEqual(['web:/etc/proxy.conf carried', 'web:/etc/x.conf refused']);
    expect(plan.carried['services.web:/etc/proxy.conf']).toMatchObject([{ path: 'proxy.conf' }]);
    expect(plan.faults).toMatchObject([
      {
        code: 'compose.mount-outside',
        message:
          'services.web.volumes: ../../../x.conf lies outside of the repository, so a fresh clone does not have it',
        at: { line: 1 },
      },
    ]);
  });

  test('without git the folder of sluice.yml is the repository', async () => {
    const files = {
      'app/compose.yml': web('"../x.conf:/etc/x.conf:ro", "./y.conf:/etc/y.conf:ro"'),
      'x.conf': '',
      'app/y.conf': '',
    };
    const plan = await checkout(files, { below: 'app' }).plan();
    expect(handlings(plan)).toEqual(['web:/etc/x.conf refused', 'web:/etc/y.conf carried']);
    expect(plan.warnings).toEqual([]);
  });

  test('absolute paths are the server’s, sockets and system files among them', async () => {
    const { plan, handled, faults } = await judge(
      '"/var/run/docker.sock:/var/run/docker.sock", "/etc/localtime:/etc/localtime:ro", "/srv/data:/data", { type: tmpfs, target: /tmp }',
    );
    expect(faults).toEqual([]);
    expect(handled).toEqual([
      'web:/var/run/docker.sock on the server',
      'web:/etc/localtime on the server',
      'web:/data on the server',
    ]);
    expect(plan.model.services.web?.volumes).toHaveLength(4);
  });

  test('the home folder is that of this machine', async () => {
    const { faults } = await judge('"~/keys:/keys:ro"');
    expect(faults).toEqual([
      'compose.mount-outside services.web.volumes: ~/keys is a path of this machine’s user, not of the server’s',
    ]);
  });

  test('an absolute path into this very checkout is the server’s, and a warning', async () => {
    const repo = checkout({ 'compose.yml': '', 'conf/a.conf': 'a' });
    repo.put('compose.yml', web(`"${repo.folder}/conf:/etc/a:ro"`));
    const plan = await repo.plan();
    expect(handlings(plan)).toEqual(['web:/etc/a on the server']);
    expect(plan.warnings).toEqual([
      `web: ${repo.folder}/conf is an absolute path, so it means that path on the server and not this checkout`,
    ]);
  });
});

describe('development mounts', () => {
  test('source code over the image’s own copy is left out, with the volumes that shield its folders', async () => {
    const { plan, faults, handled } = await judge(
      '".:/srv/shop", "/srv/shop/node_modules", "deps:/srv/shop/.venv", "uploads:/srv/shop/uploads"',
      { Dockerfile: python, 'shop.py': 'app = 1' },
      'build: .',
    );
    expect(faults).toEqual([]);
    expect(handled).toEqual(['web:/srv/shop left out']);
    expect(plan.model.services.web?.volumes).toEqual([
      { type: 'volume', source: 'uploads', target: '/srv/shop/uploads' },
    ]);
    expect(plan.notes).toEqual([
      'web: .:/srv/shop is left out, the image has it',
      'web: the volume at /srv/shop/node_modules is left out, the image has it',
      'web: the volume at /srv/shop/.venv is left out, the image has it',
    ]);
  });

  const node =
    'FROM node:22 AS deps\nWORKDIR /app\nCOPY package.json .\nRUN npm ci\nFROM deps\nCOPY src ./src\nCMD ["node", "src"]\n';
  const built =
    'FROM node:22 AS build\nWORKDIR /w\nCOPY . .\nRUN npm run build\nFROM node:22\nWORKDIR /app\nCOPY --from=build /w/dist ./dist\n';
  const two = 'FROM python:3.13\nCOPY backend /code/\n';
  test.each<[string, string, string, string, readonly string[]]>([
    ['a folder that is copied', './src:/app/src', node, 'build: .', ['web:/app/src left out']],
    [
      'a folder below one that is copied',
      './src/lib:/app/src/lib',
      node,
      'build: .',
      ['web:/app/src/lib left out'],
    ],
    ['the whole context, of which the code is copied', './:/app', node, 'build: .', ['web:/app left out']],
    ['the context over what a stage has built', '.:/app', built, 'build: .', ['web:/app left out']],
    [
      'a context below the folder',
      './backend:/code',
      two.replace('backend', '.'),
      'build: ./backend',
      ['web:/code left out'],
    ],
    [
      'what an install fills',
      './node_modules:/app/node_modules',
      node,
      'build: .',
      ['web:/app/node_modules left out'],
    ],
    ['the image of a sibling', './src:/app/src', node, 'image: acme/app', ['web:/app/src left out']],
  ])('%s is left out', async (_, volume, dockerfile, more, expected) => {
    const compose = `services: { app: { build: ., image: acme/app }, web: { ${more}, volumes: ["${volume}"] } }`;
    const folder = more.includes('backend') ? 'backend/' : '';
    const repo = checkout({
      'compose.yml': compose,
      Dockerfile: dockerfile,
      [`${folder}Dockerfile`]: dockerfile,
      'src/lib/a.js': '1',
      'backend/b.py': '2',
    });
    const plan = await repo.plan();
    expect([faultLines(plan), handlings(plan)]).toEqual([[], expected]);
  });

  test.each<[string, string, Readonly<Record<string, string>>, string, string]>([
    [
      'an image of others',
      '.:/app',
      {},
      'image: node:22',
      'services.web.volumes: . is source code mounted at /app, and the image node:22 does not have it',
    ],
    [
      'an image with the manifests alone',
      '.:/app',
      { Dockerfile: 'FROM node:22\nWORKDIR /app\nCOPY package*.json package-lock.json ./\nRUN npm ci\n' },
      'build: .',
      'services.web.volumes: . is source code mounted at /app, and the image of Dockerfile does not have it',
    ],
    [
      'a folder that .dockerignore leaves out',
      './src:/srv/shop/src',
      { Dockerfile: python, '.dockerignore': 'src\n' },
      'build: .',
      'services.web.volumes: ./src is source code mounted at /srv/shop/src, and the image of Dockerfile does not have it',
    ],
    [
      'a copy to another place',
      './src:/app',
      { Dockerfile: python },
      'build: .',
      'services.web.volumes: ./src is source code mounted at /app, and the image of Dockerfile does not have it',
    ],
    [
      'the whole checkout, also read-only',
      '.:/usr/share/nginx/html:ro',
      {},
      'image: nginx',
      'services.web.volumes: . is source code mounted at /usr/share/nginx/html, and the image nginx does not have it',
    ],
  ])('%s is refused with the line', async (_, volume, files, more, message) => {
    const { plan } = await judge(`"${volume}"`, { 'src/a.js': '1', ...files }, more);
    expect(plan.faults).toMatchObject([{ code: 'compose.mount-code', message, at: { line: 1 } }]);
    expect(plan.model.services.web?.volumes).toHaveLength(1);
  });
});

describe('configuration and data', () => {
  test('configuration is carried: files, read-only folders, and folders where programs read their settings', async () => {
    const { plan, faults, handled } = await judge(
      '"./conf/app.ini:/app/app.ini", "./templates:/app/emails:ro", "./nginx:/etc/nginx/conf.d"',
      { 'conf/app.ini': 'a', 'templates/a.html': 'a', 'nginx/a.conf': 'a' },
    );
    expect(faults).toEqual([]);
    expect(handled).toEqual([
      'web:/app/app.ini carried',
      'web:/app/emails carried',
      'web:/etc/nginx/conf.d carried',
    ]);
    expect(plan.notes).toEqual([
      'web: ./nginx is carried as configuration: what the container writes there is lost when it changes',
    ]);
    expect(plan.warnings).toEqual([]);
  });

  test.each([
    './data:/app/x',
    './uploads:/srv/shop/uploads',
    './pgdata:/var/lib/postgresql/data',
    './x:/var/lib/x',
    './none:/x',
    './prod.sqlite3:/app/prod.sqlite3',
    './shop-media:/m',
    './acme.json:/acme.json',
  ])('%s is data, whether it is there or not, and whatever the image has', async (volume) => {
    const path = volume.split(':')[0]?.slice(2) ?? '';
    const isFile = /json|sqlite/.test(path);
    const files = { Dockerfile: python, [isFile ? path : `${path}/a`]: 'x' };
    const here = await judge(`"${volume}"`, files, 'build: .');
    const clone = await judge(`"${volume}"`, { Dockerfile: python }, 'build: .');
    for (const { plan } of isFile ? [here] : [here, clone]) {
      expect(plan.faults).toMatchObject([
        { code: 'compose.mount-data', hint: expect.stringContaining('named volume') },
      ]);
    }
    expect(isFile || here.faults[0] === clone.faults[0]).toBe(true);
  });

  test('a named volume that is a folder of the checkout is data, too', async () => {
    const repo = checkout({
      'compose.yml':
        'services: { db: { image: mysql, volumes: ["db:/var/lib/mysql"] } }\nvolumes:\n  db: { driver_opts: { type: none, o: bind, device: ./mysql } }\n  nfs: { driver_opts: { type: nfs, o: "addr=10.0.0.1", device: ":/x" } }\n',
    });
    expect((await repo.plan()).faults).toMatchObject([
      {
        code: 'compose.mount-data',
        message: expect.stringMatching(/^volumes\.db\.driver_opts\.device: \.\/mysql/),
        at: { line: 3 },
      },
    ]);
  });

  test('a seccomp profile of the checkout is not copied, and said', async () => {
    const repo = checkout({
      'compose.yml':
        'services: { web: { image: a, security_opt: ["seccomp=./p.json", "no-new-privileges:true", "seccomp=unconfined"] } }',
    });
    expect(faultLines(await repo.plan())).toEqual([
      'compose.local-file services.web.security_opt: ./p.json is a file of this checkout, and Sluice does not copy it to the server',
    ]);
  });

  test('a folder without files is none: git does not keep it', async () => {
    const { faults } = await judge('"./rules:/etc/rules:ro"', { rules: null });
    expect(faults).toEqual([
      'compose.mount-missing services.web.volumes: ./rules does not exist in the repository',
    ]);
  });

  test('links out of the repository and large folders', async () => {
    const repo = checkout({
      'compose.yml': web('"./a:/etc/a:ro", "./b:/etc/b:ro"'),
      'a/own': 'o',
      'b/large': '',
    });
    symlinkSync('/etc/passwd', join(repo.folder, 'a/users'));
    truncateSync(join(repo.folder, 'b/large'), 8 * 1024 ** 3);
    expect(faultLines(await repo.plan())).toEqual([
      'compose.mount-link services.web.volumes: ./a/users is a link that leads nowhere, in a circle, or out of the repository',
      'compose.mount-large services.web.volumes: ./b holds more than 20 MiB',
    ]);
  });
});

describe('what git ignores is not there', () => {
  const compose = `services:
  web:
    image: nginx
    volumes:
      - ./tls/site.key:/etc/nginx/site.key:ro
      - ./dist:/usr/share/nginx/html
      - ./conf.d:/etc/nginx/conf.d:ro
    secrets: [db, unused-by-nobody]
secrets:
  db: { file: ./secrets/db password.txt }
  unused-by-nobody: { environment: X }
  for-the-build: { file: ./nowhere }
`;
  const files = {
    'compose.yml': compose,
    '.gitignore': '*.key\ndist\nsecrets/\n*.local\n',
    'conf.d/a.conf': 'a',
  };

  test('a laptop and a fresh clone say the same, all at once, and never to commit a secret', async () => {
    const laptop = checkout({
      ...files,
      'tls/site.key': 'k',
      'dist/index.html': 'h',
      'secrets/db password.txt': 'p',
      'conf.d/b.local': 'b',
    });
    laptop.commit();
    const clone = checkout(files);
    clone.commit();
    const [here, there] = [await laptop.plan(), await clone.plan()];
    expect(faultLines(here)).toEqual([
      'compose.mount-ignored services.web.volumes: git ignores ./tls/site.key, so a fresh clone does not have it',
      'compose.mount-ignored services.web.volumes: git ignores ./dist, so a fresh clone does not have it',
      'compose.mount-ignored secrets.db: git ignores ./secrets/db password.txt, so a fresh clone does not have it',
    ]);
    expect(faultLines(there)).toEqual(faultLines(here));
    expect(here.faults.map(({ at }) => at?.line)).toEqual([5, 6, 10]);
    expect(JSON.stringify(here.faults)).not.toMatch(/[Cc]ommit/);
    const [key, , secret] = here.faults;
    expect(key?.hint).toContain('`environment: SITE`, mounted at /etc/nginx/site.key');
    expect(secret?.hint).toContain('secrets: { db: { environment: DB } }, and DB in env or env-secret');
    expect(here.carried).toEqual(
      expect.objectContaining({
        'services.web:/etc/nginx/conf.d': [expect.objectContaining({ path: 'conf.d/a.conf' })],
      }),
    );
    expect(here.warnings).toEqual([
      'web: ./conf.d: git ignores conf.d/b.local, so a release does not carry it',
    ]);
  });

  test('a folder of which git keeps the placeholder alone', async () => {
    const { plan } = await judge('"./certs:/etc/certs:ro"', {
      '.gitignore': 'certs/*\n!certs/.gitkeep\n',
      'certs/.gitkeep': '',
      'certs/a.pem': 'p',
    });
    expect(plan.faults).toMatchObject([
      { code: 'compose.mount-ignored', hint: expect.stringContaining('environment: CERTS') },
    ]);
  });

  test('a missing key is not to be committed either, a missing setting is', async () => {
    const { plan } = await judge('"./tls/site.pem:/x.pem:ro", "./app.ini:/app.ini:ro"');
    expect(plan.faults.map(({ hint }) => /^Commit/.test(hint ?? ''))).toEqual([false, true]);
  });

  test('what is not committed yet is carried, with a warning', async () => {
    const repo = checkout({ 'compose.yml': web('"./app.ini:/app.ini:ro"'), '.gitignore': '' });
    repo.commit();
    repo.put('app.ini', 'a');
    const plan = await repo.plan();
    expect([handlings(plan), plan.warnings]).toEqual([
      ['web:/app.ini carried'],
      ['web: ./app.ini: it is not committed, so a fresh clone does not have it'],
    ]);
  });

  test('git that does not answer is named', async () => {
    const repo = checkout({
      'compose.yml': web('"./app.ini:/app.ini:ro"'),
      'app.ini': 'a',
      '.git': 'gitdir: /nowhere',
    });
    const plan = await repo.plan();
    expect(handlings(plan)).toEqual(['web:/app.ini carried']);
    expect(plan.warnings.join('\n')).toMatch(
      /^git check-ignore failed in .*: files that git ignores count as files of the repository$/m,
    );
  });
});

describe('what init says', () => {
  test('the words of the plan, without what depends on a variable that only a server has', async () => {
    const compose = `services:
  web:
    build: .
    ports: ["80:80", "$WEB:81"]
    volumes:
      - .:/srv/shop
      - /srv/shop/node_modules
      - \${UPLOADS}:/uploads
      - ./\${CONF}/a.ini:/a.ini:ro
      - ./\${DIR:-none}/b.ini:/b.ini:ro
      - ../x.ini:/x.ini:ro
  docs: { image: nginx, ports: ["80:80"], secrets: [key] }
secrets: { key: { file: ./key.pem } }
`;
    const repo = checkout({ 'compose.yml': compose, Dockerfile: python });
    // As docker compose prints it: with stand-ins, and without what it could not know.
    const port = (published: string) => ({ target: 80, published });
    const raw = repo.model();
    const services = {
      web: { ...raw.services.web, ports: [port('80'), port('8080')] },
      docs: { ...raw.services.docs, ports: [port('80')] },
    };
    const { model, notes } = await localModel({ ...raw, services }, repo.folder, ['compose.yml'], {
      env: process.env,
    });
    expect(model.services.web?.volumes?.map(({ target }) => target)).toEqual([
      '/uploads',
      '/a.ini',
      '/b.ini',
      '/x.ini',
    ]);
    expect(notes.map((note) => note.replaceAll(`${repo.folder}/`, ''))).toEqual([
      expect.stringMatching(
        /^compose\.yml:10:9: services\.web\.volumes: \.\/none\/b\.ini does not exist in the repository\. /,
      ),
      expect.stringMatching(
        /^compose\.yml:11:9: services\.web\.volumes: \.\.\/x\.ini lies outside of the repository/,
      ),
      expect.stringMatching(
        /^compose\.yml:13:12: secrets\.key: \.\/key\.pem does not exist in the repository\. Take it from the target’s variables/,
      ),
      'web: .:/srv/shop is left out, the image has it',
      'web: the volume at /srv/shop/node_modules is left out, the image has it',
    ]);
  });
});
