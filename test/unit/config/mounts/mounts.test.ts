import { symlinkSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
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
          'services.web.volumes: ../../../x.conf is outside the repository, so a fresh clone does not have it',
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
      'compose.mount-outside services.web.volumes: ~/keys is in the home folder of this machine’s user, not on the server',
    ]);
  });

  test('an absolute path into this very checkout is the server’s, and a warning', async () => {
    const repo = checkout({ 'compose.yml': '', 'conf/a.conf': 'a' });
    repo.put('compose.yml', web(`"${repo.folder}/conf:/etc/a:ro"`));
    const plan = await repo.plan();
    expect(handlings(plan)).toEqual(['web:/etc/a on the server']);
    expect(plan.warnings).toEqual([
      `web: ${repo.folder}/conf is an absolute path, so it refers to the server, not to this checkout`,
    ]);
  });
});

describe('configuration and data', () => {
  test('configuration is carried: files, read-only folders, and folders where programs read their settings', async () => {
    const { plan, faults, handled } = await judge(
      '"./conf/app.ini:/app/app.ini", "./templates:/app/emails:ro", "./nginx:/etc/nginx/conf.d", "./checks:/checks"',
      { 'conf/app.ini': 'a', 'templates/a.html': 'a', 'nginx/a.conf': 'a', 'checks/up.sh': '#!/bin/sh' },
    );
    expect(faults).toEqual([]);
    expect(handled).toEqual([
      'web:/app/app.ini carried',
      'web:/app/emails carried',
      'web:/etc/nginx/conf.d carried',
      'web:/checks carried',
    ]);
    expect(plan.notes).toEqual([
      'web: ./conf/app.ini is deployed as configuration: files that the container writes there stay with this release',
      'web: ./nginx is deployed as configuration: files that the container writes there stay with this release',
      'web: ./checks is deployed as configuration: files that the container writes there stay with this release',
    ]);
    expect(plan.warnings).toEqual([]);
  });

  test.each([
    './data:/app/x',
    './uploads:/srv/shop/uploads',
    './pgdata:/var/lib/postgresql/data',
    './x:/var/lib/x',
    './shop-media:/m',
    './certbot:/etc/letsencrypt',
  ])('%s with files of the repository is refused, whatever the image has', async (volume) => {
    const path = volume.split(':')[0]?.slice(2) ?? '';
    const files = { Dockerfile: python, [`${path}/a`]: 'x', [`${path}/b`]: 'x', '.gitignore': '' };
    const { plan } = await judge(`"${volume}"`, files, 'build: .');
    expect(plan.faults).toMatchObject([
      {
        code: 'compose.mount-data',
        message: expect.stringContaining(`./${path} is mounted writable at `),
        hint: expect.stringContaining(`Move them out of ./${path}: `),
      },
    ]);
    expect(plan.faults[0]?.message).toContain('the repository has files in it (a and 1 more)');
  });

  test.each(['./prod.sqlite3:/app/prod.sqlite3', './acme.json:/acme.json', './data/app.db:/data/app.db'])(
    'the file %s is data, whether it is there or not',
    async (volume) => {
      const path = volume.split(':')[0]?.slice(2) ?? '';
      const here = await judge(`"${volume}"`, { Dockerfile: python, [path]: 'x' }, 'build: .');
      const clone = await judge(`"${volume}"`, { Dockerfile: python }, 'build: .');
      expect(clone.plan.faults).toMatchObject([
        { code: 'compose.mount-data', hint: expect.stringMatching(/^Mount its folder/) },
      ]);
      expect(here.faults).toEqual(clone.faults);
    },
  );

  test('the place in the container decides before the name of the folder does', async () => {
    const { faults, handled } = await judge(
      '"./init.db:/docker-entrypoint-initdb.d", "./data:/var/lib/grafana/dashboards"',
      { 'init.db/a.sql': 'a', 'data/a.json': '{}' },
    );
    expect(faults).toEqual([]);
    expect(handled).toEqual([
      'web:/docker-entrypoint-initdb.d carried',
      'web:/var/lib/grafana/dashboards carried',
    ]);
  });

  test('a build context that is settings at the same time is carried, not code', async () => {
    const { faults, handled } = await judge(
      '"./sentry:/etc/sentry"',
      { 'sentry/Dockerfile': 'FROM sentry\n', 'sentry/conf.py': 'a' },
      'build: ./sentry',
    );
    expect([faults, handled]).toEqual([[], ['web:/etc/sentry carried']]);
  });

  test('what an anchor gives to many services is said once', async () => {
    const compose = `x-app: &app { build: ., volumes: [".:/srv/shop", "./app.db:/app.db", "./a.ini:/a.ini:ro"] }
services: { web: *app, worker: *app, cron: *app }
`;
    const repo = checkout({ 'compose.yml': compose, Dockerfile: python, 'a.ini': 'a', '.gitignore': '' });
    repo.commit();
    const plan = await repo.plan();
    expect(faultLines(plan)).toEqual([
      'compose.mount-data services.web.volumes: ./app.db is a file that the container writes to at /app.db, and a release cannot include data (also in worker and cron)',
    ]);
    expect(plan.notes).toEqual([
      'web, worker and cron: .:/srv/shop is left out because the image contains it',
    ]);
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
      'compose.local-file services.web.security_opt: ./p.json is a file in this checkout, which Sluice does not copy to the server',
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
      'compose.mount-link services.web.volumes: ./a/users is a link that is broken, circular or leads out of the repository',
      'compose.mount-large services.web.volumes: ./b is larger than 20 MiB',
    ]);
  });
});
