import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { configText } from '../../../src/cli/commands/config.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { userErrorsOf } from '../../../src/kernel/errors.ts';
import { createLog } from '../../../src/kernel/log.ts';
import { createMask } from '../../../src/kernel/masking/mask.ts';
import { resolvedConfig } from '../../../src/operations/config.ts';
import type { OperationContext } from '../../../src/operations/context.ts';
import { deployTarget } from '../../../src/operations/deploy/deploy.ts';
import { planTarget } from '../../../src/operations/deploy/plan.ts';

const base = mkdtempSync(join(tmpdir(), 'sluice-config-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));
let folders = 0;

/** A folder with a sluice.yml and a compose.yml, as an operation gets it. */
function contextOf(
  sluice: string,
  compose: string,
  env: Readonly<Record<string, string>> = {},
): OperationContext & { readonly folder: string; readonly said: string[] } {
  folders += 1;
  const folder = mkdtempSync(join(base, `${folders}-`));
  for (const [name, text] of Object.entries({ 'sluice.yml': sluice, 'compose.yml': compose, 'app.ini': 'a' }))
    writeFileSync(join(folder, name), text);
  const said: string[] = [];
  const mask = createMask(() => {});
  const write = (text: string) => void said.push(text);
  const log = createLog({ mode: 'plain', verbose: false, colour: false, clock: systemClock, mask, write });
  const effects = {
    ...{ log, mask, clock: systemClock, signal: new AbortController().signal, print: write },
    env: { PATH: process.env.PATH, HOME: folder, ...env },
  };
  return { effects, config: join(folder, 'sluice.yml'), folder, said };
}

const clash = `services:
  web: { image: acme/web, ports: ["80:3000"], volumes: ["./none.ini:/app.ini:ro"] }
  queue: { image: acme/web, ports: ["80:3000"] }
secrets: { }
`;

describe('what is wrong on this machine is reported before a server is connected', () => {
  test.each(['', ', host-env-file: /etc/shop.env'])('plan and deploy; target%s', async (more) => {
    let connections = 0;
    const server = createServer((socket) => {
      connections += 1;
      socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const sluice = `app: shop\ntargets: { production: { hosts: ["deploy@127.0.0.1:${port}"]${more} } }\n`;
    const context = contextOf(sluice, clash);
    const options = {
      ...{ release: 'v1', images: {}, watchMs: undefined, backup: true, migrate: true, preflight: true },
      ...{ force: false, replaceEdges: false, replace: [] },
    };
    try {
      for (const work of [planTarget, deployTarget] as const) {
        const errors = await work(context, undefined, options).then(() => [], userErrorsOf);
        expect(errors.map(({ code }) => code)).toEqual(['compose.mount-missing', 'compose.port-clash']);
      }
      expect(connections).toBe(0);
    } finally {
      server.close();
    }
  });
});

test('a service that is built and has no image of this release is named before a server is connected', async () => {
  const context = contextOf(
    'app: shop\ntargets: { production: { hosts: ["deploy@127.0.0.1:1"] } }\n',
    'services:\n  web: { build: ., ports: ["80:3000"] }\n  worker: { build: ., command: x worker }\n',
  );
  const options = {
    ...{ release: 'v1', images: {}, watchMs: undefined, backup: true, migrate: true, preflight: true },
    ...{ force: false, replaceEdges: false, replace: [] },
  };
  const errors = await deployTarget(context, undefined, options).then(() => [], userErrorsOf);
  expect(errors.map(({ code, message }) => [code, message])).toEqual([
    ['image.missing', 'services.web has no image for this release'],
    ['image.missing', 'services.worker has no image for this release'],
  ]);
});

test('a variable that is set here and not passed is a warning of the deploy and of its report', async () => {
  const context = contextOf(
    'app: shop\ntargets: { production: { hosts: ["deploy@127.0.0.1:1"] } }\n',
    'services: { web: { image: "acme/web:${TAG:-v1}", ports: ["80:3000"] } }',
    { TAG: 'v2' },
  );
  const options = {
    ...{ release: 'v2', images: {}, watchMs: undefined, backup: true, migrate: true, preflight: true },
    ...{ force: false, replaceEdges: false, replace: [] },
  };
  const warning =
    'TAG is set here, but targets.production.env does not pass it; the compose file’s default v1 is used';
  // No server answers there: the warning comes first, so that a deploy that changes nothing says it, too.
  await expect(deployTarget(context, undefined, options)).rejects.toThrow();
  expect(context.said.join('')).toContain(warning);
  const [report = ''] = globSync(join(context.folder, '.sluice/reports/*.json'));
  expect(JSON.parse(readFileSync(report, 'utf8'))).toMatchObject({ warnings: [warning] });
});

describe('sluice config', () => {
  const compose = `services:
  web:
    image: acme/web:\${TAG:-v1}
    environment: { KEY: "\${SECRET_KEY}", URL: "\${URL:-http://x}", ZONE: "\${ZONE}" }
    ports: ["127.0.0.1:80:3000", "53:53/udp"]
    networks: { front: { aliases: [shop] } }
    volumes: ["./app.ini:/app.ini:ro", "./up/loads/:/uploads", "/var/run/docker.sock:/var/run/docker.sock"]
  db: { image: "postgres:17", volumes: ["pg:/var/lib/postgresql/data"] }
networks: { front: {} }
volumes: { pg: {} }
`;
  const sluice = `app: shop
migrate: { service: web, command: bin/migrate }
backup: { postgres: db }
services: { web: { strategy: recreate } }
targets:
  production:
    hosts: [{ host: deploy@one.example.com, env: { ZONE: a-zone } }]
    env-secret: PROD_ENV
    host-env-file: /etc/shop.env
`;
  const secret = 'c0rrect-horse-battery-staple';

  test('the whole model, without a value of a variable', async () => {
    const context = contextOf(sluice, compose, {
      PROD_ENV: `SECRET_KEY=${secret}\nTAG=v9-rare\n`,
      URL: 'http://here',
    });
    const { view, faults } = await resolvedConfig(context, undefined);
    expect(faults).toEqual([]);
    expect(view.services).toMatchObject([
      { name: 'db', strategy: 'keep', volumes: [{ name: 'pg', target: '/var/lib/postgresql/data' }] },
      {
        name: 'web',
        strategy: 'recreate',
        why: 'set in sluice.yml',
        image: 'acme/web:${TAG:-v1}',
        names: { front: ['web', 'shop'] },
        published: ['127.0.0.1:80→3000', '53→53/udp'],
        mounts: [
          { source: './app.ini', target: '/app.ini', handling: 'carried' },
          {
            source: './up/loads',
            target: '/uploads',
            handling: 'data folder on the server: /opt/sluice/shop/data/up/loads',
          },
          { source: '/var/run/docker.sock', handling: 'on the server' },
        ],
      },
    ]);
    expect(view.variables).toEqual([
      { name: 'SECRET_KEY', from: 'secret PROD_ENV' },
      { name: 'TAG', from: 'secret PROD_ENV' },
      { name: 'URL', from: 'compose default' },
      { name: 'ZONE', from: 'host deploy@one.example.com' },
    ]);
    expect(view.unread).toEqual(['/etc/shop.env: stays on the server']);
    expect(view.warnings).toEqual([
      'URL is set here, but targets.production.env does not pass it; the compose file’s default is used',
    ]);
    const shown = `${configText(view)}${JSON.stringify(view)}${context.said.join('')}`;
    expect(shown).not.toMatch(/horse|v9-rare|a-zone|http:\/\/here/);
    expect(configText(view).split('\n')).toEqual(
      expect.arrayContaining([
        'shop → production, deploy@one.example.com',
        '  migrate     web: bin/migrate',
        'web: recreate, set in sluice.yml',
        '  published   127.0.0.1:80→3000, 53→53/udp',
        '  mount       ./app.ini:/app.ini, carried',
        '  mount       ./up/loads:/uploads, data folder on the server: /opt/sluice/shop/data/up/loads',
        '  · ./up/loads of web is a data folder on the server: /opt/sluice/shop/data/up/loads. It starts empty, and no deploy changes or removes it',
        '  SECRET_KEY  secret PROD_ENV',
        '  not read: /etc/shop.env: stays on the server',
      ]),
    );
  });

  test('without the secrets, and with what a deploy refuses', async () => {
    const { view, faults } = await resolvedConfig(
      contextOf(sluice, compose.replace('app.ini:', 'none.ini:')),
      'production',
    );
    expect(view.variables.find(({ name }) => name === 'SECRET_KEY')).toEqual({
      name: 'SECRET_KEY',
      from: 'not known here',
    });
    expect(view.unread).toEqual(['/etc/shop.env: stays on the server', 'PROD_ENV: not set here']);
    expect(faults).toMatchObject([{ code: 'compose.mount-missing', at: { line: 7 } }]);
  });
});
