import { afterAll, describe, expect, test } from 'vitest';
import { localModel } from '../../../../src/config/compose/local-model.ts';
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
    expect(secret?.hint).toContain('secrets: { db: { environment: DB } }, with DB in env or env-secret');
    expect(here.carried).toEqual(
      expect.objectContaining({
        'services.web:/etc/nginx/conf.d': [expect.objectContaining({ path: 'conf.d/a.conf' })],
      }),
    );
    expect(here.warnings).toEqual([
      'web: ./conf.d: git ignores conf.d/b.local, so a release does not include it',
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
      /^git check-ignore failed in .*: files that git ignores are treated as part of the repository$/m,
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
      - ./data:/data
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
      '/data',
    ]);
    expect(model.services.web?.volumes?.at(-1)).toMatchObject({ source: './data', isData: true });
    expect(notes.map((note) => note.replaceAll(`${repo.folder}/`, ''))).toEqual([
      expect.stringMatching(
        /^compose\.yml:10:9: services\.web\.volumes: \.\/none\/b\.ini does not exist in the repository\. /,
      ),
      expect.stringMatching(
        /^compose\.yml:11:9: services\.web\.volumes: \.\.\/x\.ini is outside the repository/,
      ),
      expect.stringMatching(
        /^compose\.yml:14:12: secrets\.key: \.\/key\.pem does not exist in the repository\. Read it from the target’s variables/,
      ),
      './data of web is a data folder on the server: /opt/sluice/shop/data/data. It starts empty, and no deploy changes or removes it',
      'web: .:/srv/shop is left out because the image contains it',
      'web: the volume at /srv/shop/node_modules is left out because the image contains it',
    ]);
  });
});
