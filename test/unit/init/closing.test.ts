import { describe, expect, test } from 'vitest';
import type { ComposeModel, ComposeService, ServicePlan, Strategy } from '../../../src/config/model.ts';
import { guessBackup } from '../../../src/init/guess/database.ts';
import type { Guess } from '../../../src/init/guess/guess.ts';
import { notHandled } from '../../../src/init/guess/not-handled.ts';
import type { ServiceGuess } from '../../../src/init/guess/services.ts';
import { guessTargets } from '../../../src/init/guess/targets.ts';
import { type FirstRun, initText } from '../../../src/init/next-steps/init-text.ts';
import { type NextStep, nextSteps } from '../../../src/init/next-steps/next-steps.ts';

function service(name: string, strategy: Strategy, more: Partial<ServicePlan> = {}): ServiceGuess {
  const plan = {
    name,
    strategy,
    reason: 'a reason',
    replicas: 1,
    ports: [],
    health: undefined,
    startDeadlineMs: 1,
    stopGraceMs: 1,
    ...more,
  };
  return { name, plan, own: {}, why: [], maybe: undefined };
}

const services = [
  service('web', 'blue-green', { ports: [{ port: 8080, mode: 'http', why: '' }], health: '/up' }),
  service('broker', 'blue-green', { ports: [{ port: 1883, mode: 'tcp', why: '' }] }),
  service('orders', 'keep'),
  service('legacy', 'keep'),
];
const model = {
  name: 'shop',
  services: {
    web: {
      image: 'shop/web',
      volumes: [{ type: 'volume', source: 'uploads', target: '/uploads' }],
      deploy: { placement: { constraints: ['node.role == manager'] }, update_config: {} },
    },
    broker: { image: 'broker' },
    orders: { image: 'pgvector/pgvector:pg17' },
    legacy: { image: 'mysql:8' },
  },
} as unknown as ComposeModel;
const targets = guessTargets(undefined, { production: 'deploy@shop.example.com', staging: false });
const guess = {
  app: { value: 'shop', why: '' },
  compose: { value: ['compose.yml'], why: '', explicit: false },
  services,
  migrate: { service: 'web', command: 'bin/rails db:migrate', why: 'db', instead: undefined },
  backup: guessBackup(model, services),
  targets,
  needsVariables: true,
  onGitHub: true,
  logins: [],
  notHandled: ['Something is not handled.'],
  notes: ['A note.'],
} as unknown as Guess;

describe('what is not handled is said', () => {
  const told = (more: Partial<Parameters<typeof notHandled>[0]> = {}) =>
    notHandled({
      ...{ model, services, backup: guess.backup, targets, chosen: [] },
      tree: { folder: '/', files: [], read: async () => undefined },
      ...more,
    });

  test('data without a backup, plain TCP, keys of Swarm', () => {
    expect(told()).toEqual([
      'Not backed up: legacy (mysql). Sluice backs up one Postgres service.',
      'Not backed up: the volume uploads.',
      expect.stringContaining('plain TCP, so errors of the app do not revert a deploy: broker:1883.'),
      'Docker Swarm keys have no effect: deploy.placement of web.',
    ]);
  });

  test('folders of the server', () => {
    const volumes = [{ type: 'bind', source: '/srv/shop/files', target: '/files' }];
    const written = { ...model, services: { ...model.services, web: { image: 'shop', volumes } } };
    expect(told({ model: written })).toContain('Not backed up: /srv/shop/files on the server.');
  });

  test('files of other platforms', () => {
    const files = ['deploy/chart/Chart.yaml', 'docker-stack.yml', 'fly.toml', 'src/app.ts'];
    const tree = { folder: '/', files, read: async () => undefined };
    const all = told({ tree });
    expect(all).toContain(
      'Found but not used: deploy/chart/Chart.yaml (Helm), fly.toml (Fly.io) and docker-stack.yml (Docker Swarm).',
    );
    expect(told({ tree, chosen: ['docker-stack.yml'] }).join()).not.toContain('docker-stack.yml');
  });

  test('a manual run that the only target refuses', () => {
    const strict = targets.map((target) => ({ ...target, requireTag: true }));
    expect(told({ targets: strict }).join()).toContain(
      'Manual runs on a branch: production accepts only version tags.',
    );
    expect(told().join()).not.toContain('A manual run');
  });

  test('a tag that no target takes', () => {
    const others = ['us', 'eu'].map((name) => ({ name, host: 'a@b.example.com' }));
    const two = guessTargets(undefined, { production: undefined, staging: undefined, others });
    expect(told({ targets: two }).join()).toContain(
      'A version tag deploys nothing, because none of us and eu',
    );
  });
});

describe('the database that is backed up', () => {
  const backup = (image: ComposeService, from?: string) => {
    const sights = from === undefined ? [] : [{ name: 'db', image: { from } }];
    return guessBackup(
      { name: 'x', services: { db: image } },
      [service('db', 'keep')],
      sights as unknown as Parameters<typeof guessBackup>[2],
    );
  };

  test('of two, the one that most of the app calls', () => {
    const env = (host: string) => ({ environment: { DATABASE_URL: `postgres://u:p@${host}/app` } });
    const all = { auth_db: { image: 'postgres:17' }, db: { image: 'postgres:17' } };
    const app = { auth: { image: 'auth', ...env('auth_db') }, web: env('db'), worker: env('db') };
    const kept = [service('auth_db', 'keep'), service('db', 'keep')];
    expect(guessBackup({ name: 'x', services: { ...all, ...app } }, kept)).toMatchObject({
      postgres: 'db',
      others: ['auth_db (postgres)'],
    });
  });

  test('of a Postgres and another image with its files, the Postgres', () => {
    const volumes = [{ type: 'volume', source: 'data', target: '/var/lib/postgresql/data' }];
    const services = { copy: { image: 'acme/copy', volumes }, server: { image: 'postgres:17', volumes } };
    const kept = [service('copy', 'keep'), service('server', 'keep')];
    expect(guessBackup({ name: 'x', services }, kept)?.postgres).toBe('server');
  });

  test('one that is built from Postgres is Postgres', () => {
    expect(backup({ build: './db' }, 'postgis/postgis:17-3.5')).toMatchObject({
      postgres: 'db',
      why: 'its image is built from postgis',
    });
  });

  test('one under a name of its own, by its volume', () => {
    const volumes = [{ type: 'volume', source: 'data', target: '/var/lib/postgresql/data' }];
    expect(backup({ image: 'acme/store:1', volumes })?.postgres).toBe('db');
  });

  test('others are named, and messages in flight are not', () => {
    expect(backup({ image: 'mongo:8' })).toMatchObject({ postgres: undefined, others: ['db (mongo)'] });
    expect(backup({ image: 'rabbitmq:4' })).toBeUndefined();
  });
});

describe('the last text', () => {
  const files = [{ path: 'sluice.yml', text: '', state: 'new' as const, diff: '' }];
  const plan = { top: '/', guess, files, env: undefined, example: undefined, variables: [] };
  const steps: NextStep[] = [{ title: 'Do this', why: undefined, commands: ['do this'] }];
  const checks: FirstRun = {
    ran: ['compose', 'env'],
    failing: [{ check: 'compose', rules: ['compose/restart (2)'] }],
    findings: 2,
    waiting: ['eslint'],
  };

  test('files, decisions, what is not handled, the first CI run, next steps: in this order', () => {
    const text = initText(plan, ['written'], steps, checks);
    const parts = [
      'written    sluice.yml',
      'compose.yml: 4 services',
      'migration: `bin/rails db:migrate`',
      'backup: orders',
      'Not handled',
      'Before the first deploy',
      'The first CI run',
      'compose: compose/restart (2)',
      'needs its tool: eslint',
      'Next',
    ];
    const places = parts.map((part) => text.indexOf(part));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places[0]).toBeGreaterThan(0);
    for (const line of text.split('\n')) expect(line.length).toBeLessThan(81);
  });

  test('each service has a line with its strategy and why', () => {
    const text = initText(plan, ['written'], steps);
    expect(text).toMatch(/^ {2}web {5}blue-green {2}port 8080, health \/up; a reason$/m);
    expect(text).toMatch(/^ {2}broker {2}blue-green {2}port 1883 \(tcp\); a reason$/m);
    expect(text).toMatch(/^ {2}legacy {2}keep {8}a reason$/m);
  });
});

describe('next steps', () => {
  const commands = (facts: Partial<Parameters<typeof nextSteps>[0]> = {}) =>
    nextSteps({
      guess,
      files: ['sluice.yml', '.github/workflows/sluice-deploy.yml'],
      example: undefined,
      ...facts,
    }).flatMap((step) => step.commands);

  test('an example file is copied only where it is there', () => {
    expect(commands().join('\n')).not.toContain('cp ');
    expect(commands()).toContain('touch .env.production   # then add NAME=value lines');
    expect(commands({ example: 'deploy/.env.sample' })).toContain(
      'cp deploy/.env.sample .env.production   # then edit it',
    );
  });

  test('without an example file the step names the variables', () => {
    const [step] = nextSteps({ guess, files: [], example: undefined, variables: ['TOKEN', 'PORT'] }).filter(
      ({ title }) => /variables/.test(title),
    );
    expect(step?.why).toBe('The app needs TOKEN and PORT.');
  });

  test('no variables: no file for them', () => {
    const without = { ...guess, needsVariables: false };
    expect(commands({ guess: without }).join('\n')).not.toContain('.env');
  });

  test('from another folder they begin with the way to the repository', () => {
    expect(commands({ folder: '../shop' })[0]).toBe('cd ../shop');
  });

  test('the checks: run them, and accept what is there where something is', () => {
    expect(commands({ findings: 0 })).not.toContain('sluice check --accept "Found before Sluice was set up"');
    expect(commands({ findings: 3 })).toContain('sluice check --accept "Found before Sluice was set up"');
  });

  test('a port and an IPv6 address are written as each program takes them', () => {
    const wishes = { production: 'ops@[fd00::1]:2222', staging: false } as const;
    const all = commands({ guess: { ...guess, targets: guessTargets(undefined, wishes) } });
    expect(all).toContain('ssh-copy-id -i ~/.ssh/shop-production.pub -p 2222 ops@fd00::1');
    expect(all).toContain('ssh-keyscan -t ed25519 -p 2222 fd00::1 > ~/.ssh/shop.known_hosts');
    expect(all.join('\n')).not.toMatch(/PROD_(?:HOST|USER)\b/);
  });

  test('targets of any name: their keys, secrets and files', () => {
    const others = [{ name: 'eu', host: 'ops@eu-1.internal.net' }];
    const eu = {
      ...guess,
      targets: guessTargets(undefined, { production: undefined, staging: undefined, others }),
    };
    const all = commands({ guess: eu, example: '.env.example' });
    expect(all).toContain("gh api --silent --method PUT 'repos/{owner}/{repo}/environments/eu'");
    expect(all).toContain('gh secret set SSH_KEY --env eu < ~/.ssh/shop-eu');
    expect(all).toContain('gh secret set ENV_FILE --env eu < .env.eu');
    // The backup of each night has a key and an environment of its own.
    expect(all).toContain("ssh-keygen -t ed25519 -N '' -C shop-eu-backup -f ~/.ssh/shop-eu-backup");
    expect(all).toContain("gh api --silent --method PUT 'repos/{owner}/{repo}/environments/eu-backup'");
    expect(all).toContain('gh secret set SSH_KEY --env eu-backup < ~/.ssh/shop-eu-backup');
    expect(all.filter((command) => /^gh secret set/.test(command) && !command.includes(' --env '))).toEqual(
      [],
    );
    expect(all).toContain('cp .env.example .env.eu   # then edit it');
    const open = { ...eu, targets: eu.targets.map((target) => ({ ...target, isOpen: true })) };
    expect(commands({ guess: open })[0]).toBe(
      'sluice init --target eu=ops@eu-1.internal.net --write sluice.yml',
    );
  });

  test('an app in a folder of a larger repository: environments that begin with its name', () => {
    const all = commands({ files: ['services/shop/sluice.yml'] });
    expect(all).toContain('gh secret set SSH_KEY --env shop-production < ~/.ssh/shop-production');
    expect(all).toContain(
      'gh secret set SSH_KEY --env shop-production-backup < ~/.ssh/shop-production-backup',
    );
  });

  test('a site: keys for its store, unless the job takes a role', () => {
    const files = ['sluice.yml', '.github/workflows/sluice-cdn.yml'];
    const site = (section: string) => ({ ...guess, site: { front: undefined, section } }) as unknown as Guess;
    const keys = commands({ files, guess: site('cdn:\n  dist: dist\n  cloudflare: example.com\n') }).join(
      '\n',
    );
    expect(keys).toContain('gh secret set AWS_ACCESS_KEY_ID --env production   # prompts for the value');
    expect(keys).toContain('gh secret set CLOUDFLARE_API_TOKEN --env production');
    expect(commands({ files, guess: site('cdn:\n  role: arn\n') }).join('\n')).not.toContain('AWS_');
  });

  test('secrets by the names of the sluice.yml that is there', () => {
    const [target] = targets;
    const own = {
      ...guess,
      targets: [{ ...target, envSecrets: ['APP_ENV'], variables: ['TOKEN'], section: 'x' }],
    } as unknown as Guess;
    const all = commands({ guess: own });
    expect(all).toContain('gh secret set APP_ENV --env production < .env.production');
    expect(all).toContain('gh secret set TOKEN --env production   # prompts for the value');
  });
});
