import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadComposeModel } from '../../../src/config/compose/load.ts';
import { type InitPlan, planInit } from '../../../src/init/init.ts';
import { printText } from '../../../src/init/next-steps/init-text.ts';
import { publishedPorts } from '../../../src/init/stand-ins/read-model.ts';
import { standIns } from '../../../src/init/stand-ins/stand-ins.ts';
import { lookAt } from '../../../src/init/study/repository.ts';
import { userErrorsOf } from '../../../src/kernel/errors.ts';

// Compose files and variables as other people write them, resolved by the real docker compose; in this process, for
// the speed of it.

type Files = Readonly<Record<string, string>>;

interface Repo extends Disposable {
  readonly folder: string;
  init(...compose: string[]): Promise<InitPlan>;
  errors(...compose: string[]): Promise<readonly string[]>;
  /** Puts what init would write. */
  write(plan: InitPlan): void;
  track(): void;
}

function repoOf(files: Files): Repo {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-init-compose-'));
  const put = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  for (const [path, text] of Object.entries(files)) put(path, text);
  const init = (...compose: string[]) =>
    planInit(
      folder,
      {
        production: 'deploy@server.example.com',
        staging: false,
        compose: compose.map((path) => join(folder, path)),
      },
      { env: process.env },
    );
  return {
    folder,
    init,
    errors: (...compose) =>
      init(...compose).then(
        () => [],
        (error: unknown) => {
          const errors = userErrorsOf(error);
          if (errors.length === 0) throw error;
          return errors.map(({ code, message, hint }) => `${code}: ${message} → ${hint}`);
        },
      ),
    write: ({ files: planned }) => {
      for (const { path, text } of planned) put(path, text);
    },
    track: () => {
      execFileSync('git', ['-C', folder, 'init', '-q']);
      execFileSync('git', ['-C', folder, 'add', '--all']);
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

const shown = (plan: InitPlan) => printText(plan, []);
const configOf = ({ files }: InitPlan) => files.find(({ path }) => path === 'sluice.yml')?.text ?? '';
const notesOf = ({ guess }: InitPlan) => [...guess.notHandled, ...guess.notes];
const namesOf = ({ guess }: InitPlan) => guess.services.map(({ name }) => name);

describe('stand-ins fit their place', () => {
  test('at every key that takes a value of a certain form', async () => {
    using repo = repoOf({
      'compose.yml': readFileSync('test/fixtures/init/every-place/compose.yml', 'utf8'),
    });
    const seen = await lookAt(repo.folder, { env: process.env });
    const facts = { ...seen, registry: undefined, folder: repo.folder, refused: new Map<string, number>() };
    const config = { app: 'everything', folder: repo.folder, compose: ['compose.yml'] };
    const model = await loadComposeModel(config, standIns(facts).env, { env: process.env });
    expect(Object.keys(model.services)).toEqual(['db', 'web']);
    expect(shown(await repo.init())).not.toMatch(/stand-in|\b61\d{3}\b/);
  });

  test.each<[string, string, RegExp]>([
    ['a switch', 'read_only: "${RO}"\n    tty: "${TTY}"', /web +recreate|web +blue-green/],
    ['a share of a processor', 'cpus: "${SHARE}"\n    mem_limit: "${LIMIT}"', /port 80/],
    ['a port', 'ports: ["${WEB_PORT_HTTP}:80"]', /port 80/],
    ['a port of the container', 'ports: ["80:${INNER}"]', /port from \$\{INNER\}/],
    ['a range', 'ports: ["${FROM}-${TO}:9000-9001"]', /port 9000/],
    ['a folder or a volume', 'volumes: ["${UPLOAD_LOCATION}:/data"]', /: 1 service\n {2}web /],
  ])('%s', async (_, line, text) => {
    const ports = line.startsWith('ports') ? '' : 'ports: ["80:80"]\n    ';
    using repo = repoOf({ 'compose.yml': `services:\n  web:\n    image: acme/web:1\n    ${ports}${line}\n` });
    const plan = await repo.init();
    expect(shown(plan)).toMatch(text);
    expect(shown(plan)).not.toMatch(/stand-in|\b61\d{3}\b/);
  });

  test('a registry that only the target knows is not written', async () => {
    using repo = repoOf({
      'compose.yml': 'services: { web: { build: ., image: "${REGISTRY}/web:${TAG}", ports: ["80:80"] } }',
      Dockerfile: 'FROM nginx:1.27\n',
    });
    const plan = await repo.init();
    expect(configOf(plan)).toContain('variables in `image:` of web set it');
    expect(JSON.stringify(plan.guess)).not.toMatch(/stand-in\.example|"docker\.io"/);
    expect(configOf(plan)).not.toMatch(/^registry:/m);
  });

  test('what Compose refuses gives way to other values, and is no error in the end', async () => {
    const text = (weight: string) =>
      `services:\n  web: { extends: { service: "${weight}" }, ports: ["80:80"] }\n  base: { image: "nginx:1.27" }\n`;
    using repo = repoOf({ 'compose.yml': text('${WHICH}') });
    const plan = await repo.init();
    expect(plan.guess.notHandled[0]).toMatch(/without a value for \$\{WHICH\}.*\.env\.example/);
    using given = repoOf({ 'compose.yml': text('${WHICH}'), '.env.example': 'WHICH=base\n' });
    expect(namesOf(await given.init())).toEqual(['base', 'web']);
  });

  test('an example counts where it fits, and beside the compose files only', async () => {
    using repo = repoOf({
      'compose.yml': 'services: { web: { image: x, ports: ["80:${PORT}"], mem_limit: "${MEM}" } }',
      '.env.example': 'MEM=plenty\nPORT=3000\n',
      'front/.env.example': 'PORT=5173\n',
    });
    const plan = await repo.init();
    expect(plan.guess.services[0]?.plan.ports[0]?.port).toBe(3000);
  });

  test('ports of the server are those that somebody wrote', async () => {
    using repo = repoOf({ 'compose.yml': 'services: { web: { image: x, ports: ["${P}:80", "443:443"] } }' });
    expect(await publishedPorts(repo.folder, { env: process.env })).toEqual([443]);
  });
});

describe('variables that are no settings of the app', () => {
  const compose =
    'services:\n  web:\n    image: nginx:1.27\n    user: "${UID}"\n    volumes:\n      - "${PWD}/conf:/conf:ro"\n      - "${HOME}/data:/data"\n    container_name: "${COMPOSE_PROJECT_NAME}-web"\n';

  test('those of the shell are named with what to write instead, and asked of nobody', async () => {
    using repo = repoOf({ 'compose.yml': compose });
    const plan = await repo.init();
    const notes = plan.guess.notHandled.join('\n');
    expect(notes).toMatch(/compose\.yml:6: \$\{PWD\} is the folder Sluice runs in.*\.\/data instead of/);
    expect(notes).toMatch(/compose\.yml:7: \$\{HOME\} is the home folder/);
    expect(notes).toMatch(/compose\.yml:4: \$\{UID\} is/);
    expect(plan.env).toBeUndefined();
    expect(configOf(plan)).toContain('# env-secret: ENV_FILE');
  });

  test('a .env that the repository has gives values, and nothing asks for them again', async () => {
    using repo = repoOf({
      'compose.yml': 'services: { web: { image: "acme/web:${TAG}", ports: ["80:${PORT}"] } }',
      '.env': 'TAG=1\nPORT=3000\n',
    });
    repo.track();
    const plan = await repo.init();
    expect(plan.env).toBeUndefined();
    expect(plan.guess.services[0]?.plan.ports[0]?.port).toBe(3000);
  });
});

describe('profiles', () => {
  const compose =
    'services:\n  web: { image: "nginx:1.27", ports: ["80:80"], profiles: [web] }\n  db: { image: "postgres:17", profiles: [db] }\n';

  test('all services behind them are an error that says how to choose', async () => {
    using repo = repoOf({ 'compose.yml': compose });
    expect(await repo.errors()).toEqual([
      'compose.profiles: Nothing to deploy: all services are behind profiles, and no profile is active: db (db), web (web) → Add COMPOSE_PROFILES=db,web to .env.example, with the profiles that production needs, and run `sluice init` again.',
    ]);
  });

  test('those of the example are used, and the targets need the variable', async () => {
    using repo = repoOf({ 'compose.yml': compose, '.env.example': 'COMPOSE_PROFILES=web,db\n' });
    const plan = await repo.init();
    expect(namesOf(plan)).toEqual(['db', 'web']);
    expect(plan.guess.notHandled[0]).toContain('COMPOSE_PROFILES=web,db in .env.example');
    expect(configOf(plan)).toContain('    env-secret: ENV_FILE');
  });

  test('an example’s profiles for developers are left out, and said', async () => {
    using repo = repoOf({ 'compose.yml': compose, '.env.example': 'COMPOSE_PROFILES=web,dev-db\n' });
    const plan = await repo.init();
    expect(namesOf(plan)).toEqual(['web']);
    expect(notesOf(plan).join('\n')).toContain('(without dev-db, for development by name)');
  });

  test('those of a .env that the repository has are used, and those of one that it ignores are not', async () => {
    using repo = repoOf({ 'compose.yml': compose, '.env': 'COMPOSE_PROFILES=web\n' });
    expect(await repo.errors()).toHaveLength(1);
    repo.track();
    expect(namesOf(await repo.init())).toEqual(['web']);
  });
});

describe('which files', () => {
  const web = 'services: { web: { image: "acme/web:1", ports: ["80:3000"] } }\n';

  test('--compose takes any name in any folder, and a second run keeps to it', async () => {
    using repo = repoOf({ 'compose.yml': web, 'ops/app.yaml': web, 'ops/more.yaml': web });
    const plan = await repo.init('ops/app.yaml', 'ops/more.yaml');
    expect(configOf(plan)).toContain('compose: [ops/app.yaml, ops/more.yaml]');
    repo.write(plan);
    const again = await repo.init();
    expect(again.guess.compose.value).toEqual(['ops/app.yaml', 'ops/more.yaml']);
    expect(again.files.map(({ state }) => state)).not.toContain('differs');
  });

  test('--compose of a file that is not there is an error with those that are', async () => {
    using repo = repoOf({ 'compose.yml': web });
    expect(await repo.errors('none.yml')).toEqual([
      'config.compose-missing: --compose: cannot read none.yml → Compose files of this repository: compose.yml.',
    ]);
  });

  test('what is included is part of the app, with the env file that it is included with', async () => {
    using repo = repoOf({
      'compose.yml':
        'include: [{ path: db/compose.yml, env_file: db/db.env }]\nservices: { web: { image: "nginx:1.27", ports: ["80:80"], depends_on: [db] } }\n',
      'db/compose.yml':
        'services: { db: { image: "postgres:${PGV:?}", volumes: ["d:/var/lib/postgresql/data"] } }\nvolumes: { d: {} }\n',
      'db/db.env': 'PGV=17\n',
    });
    const plan = await repo.init();
    expect(namesOf(plan)).toEqual(['db', 'web']);
    expect(plan.guess.notHandled.join('\n')).not.toContain('db/compose.yml');
    expect(plan.env).toBeUndefined();
  });

  test('what the chosen file lacks is looked for in the others', async () => {
    using repo = repoOf({
      'compose.yml': 'services: { web: { image: "acme/web:1", ports: ["80:80"], secrets: [key] } }\n',
      'compose.override.yml.example':
        'secrets: { key: { environment: KEY } }\nservices: { web: { restart: always } }\n',
    });
    const [error] = await repo.errors();
    expect(error).toContain('the secret key is declared in compose.override.yml.example');
    expect(error).toContain('sluice init --compose compose.yml --compose compose.override.yml.example');
  });

  test('ports that only the override has are missed', async () => {
    using repo = repoOf({
      'compose.yml':
        'services: { web: { image: "acme/web:1" }, api: { image: "acme/api:1", ports: ["81:80"] } }\n',
      'compose.override.yml': 'services: { web: { ports: ["80:80"] }, api: { ports: ["82:80"] } }\n',
    });
    expect(notesOf(await repo.init())).toContain(
      'compose.override.yml publishes the ports of web, but production does not use it. If the whole file fits production, run `sluice init --compose compose.yml --compose compose.override.yml`. Otherwise, move that part to compose.yml.',
    );
  });

  test('alternatives are named with the way to choose', async () => {
    using repo = repoOf({ 'docker-compose.mariadb.yml': web, 'docker-compose.postgres.yml': web });
    const plan = await repo.init();
    expect(plan.guess.notHandled[0]).toBe(
      'Deployed from docker-compose.mariadb.yml; docker-compose.postgres.yml is an alternative. To deploy it instead, run `sluice init --compose docker-compose.postgres.yml`.',
    );
    expect(configOf(await repo.init('docker-compose.postgres.yml'))).toContain(
      'compose: [docker-compose.postgres.yml]',
    );
  });

  test('a file whose name says nothing is found where there is no other', async () => {
    using repo = repoOf({ 'deploy/basic.yml': web, 'deploy/values.yml': 'services: { web: { port: 1 } }\n' });
    expect((await repo.init()).guess.compose.value).toEqual(['deploy/basic.yml']);
  });
});
