import { describe, expect, test } from 'vitest';
import { splitWords } from '../../../../src/config/compose/command-words.ts';
import type { ComposeService } from '../../../../src/config/model.ts';
import { isPostgres } from '../../../../src/config/services/stores.ts';
import { describeServices } from '../../../../src/config/services/strategies.ts';
import { config, model, one, type Services, volume } from '../../../support/config/fixtures.ts';

/** `strategy: reason` of one service among others. */
function planOf(name: string, services: Services): string {
  const plan = describeServices(model(services), config).find((service) => service.name === name);
  return `${plan?.strategy}: ${plan?.reason}`;
}

function folder(source: string, target: string, isReadOnly = false) {
  return { type: 'bind', source, target, ...(isReadOnly ? { read_only: true } : {}) };
}

describe('folders of the server are data', () => {
  test.each([
    ['vaultwarden/server', folder('/srv/vw', '/data')],
    ['ghcr.io/home-assistant/home-assistant', folder('/srv/ha', '/config')],
    ['acme/app', folder('/srv/app.sqlite', '/app/app.sqlite')],
    ['acme/app', folder('/home/me/app-v1.2', '/app/var')],
  ])('%s with %o is replaced in place', (image, mount) => {
    const plan = one({ image, ports: [{ target: 8080, published: '80' }], volumes: [mount] });
    expect(plan.strategy).toBe('recreate');
    expect(plan.reason).toContain(`it writes to ${mount.source}`);
  });

  test.each([
    folder('/srv/vw', '/data', true),
    folder('/var/run/docker.sock', '/var/run/docker.sock'),
    folder('/srv/app/php-fpm.sock', '/x.sock'),
    folder('/etc/localtime', '/etc/localtime'),
    folder('/etc/letsencrypt', '/etc/letsencrypt'),
    folder('/srv/app/nginx.conf', '/etc/nginx/nginx.conf'),
    folder('/srv/app/logs', '/app/logs'),
    folder('/', '/host'),
  ])('%o is no data of the service', (mount) => {
    expect(one({ image: 'acme/app', expose: ['80'], volumes: [mount] }).strategy).toBe('blue-green');
  });

  test('a worker that writes to one is no worker of two colors, unless sluice.yml allows it', () => {
    const service = {
      build: '.',
      command: ['celery', '-A', 'app', 'worker'],
      volumes: [folder('/srv/up', '/up')],
    };
    expect(one(service).strategy).toBe('recreate');
    expect(one(service, { sharedVolumes: ['/srv/up'] }).strategy).toBe('workers');
    expect(one(service).notes).toEqual([
      'if two versions may write to /srv/up at once (uploads), shared-volumes: [/srv/up] makes it blue-green',
    ]);
  });
});

describe('how a script ends', () => {
  test.each<[string, string, Partial<ComposeService>]>([
    ['workers', 'sh -c "alembic upgrade head && python bot.py"', {}],
    ['workers', 'sh -c "npm run migrate && npm run worker"', {}],
    ['workers', 'sh -c "npx prisma migrate deploy; bun src/index.ts"', {}],
    ['workers', 'bundle exec rake jobs:work', {}],
    ['workers', 'bundle exec rake environment resque:work', {}],
    ['workers', 'sh -c "until false; do python poll.py; sleep 5; done"', {}],
    ['workers', 'sh -c "while [ true ]; do python poll.py; sleep 5; done"', {}],
    ['workers', 'node worker.js', { restart: 'no' }],
    ['job', 'node report.js', { restart: 'no' }],
    ['job', 'node dist/migrate.js', {}],
    ['job', 'python scripts/seed.py', {}],
    ['job', 'sh -c "alembic upgrade head && echo done"', {}],
    ['job', 'bundle exec rake db:migrate', {}],
    ['job', 'bundle exec rake assets:precompile', {}],
    ['job', 'wp shell', { image: 'wordpress:cli-php8.3' }],
    ['workers', 'php bot.php', { image: 'php:cli' }],
  ])('%s: %s', (strategy, command, more) => {
    expect(one({ build: '.', command: splitWords(command), ...more }, {}, {}, 'task').strategy).toBe(
      strategy,
    );
  });

  test('a mirror that watches does not end', () => {
    const mirror = { image: 'minio/mc', entrypoint: ['mc', 'mirror', '--watch', 'a', 'b'] };
    expect(one(mirror, {}, {}, 'mirror').strategy).not.toBe('job');
  });
});

describe('stores under other names', () => {
  test.each<[ComposeService]>([
    [{ image: 'confluentinc/cp-server:8.2.0' }],
    [{ image: 'acme/broker', environment: { KAFKA_ADVERTISED_LISTENERS: 'PLAINTEXT://broker:9092' } }],
    [{ image: 'sqshq/piggymetrics-mongodb' }],
    [{ image: 'acme/shop-redis' }],
  ])('%o is kept', (service) => {
    const services = { web: { image: 'acme/web', expose: ['80'] }, store: service };
    expect(planOf('store', services)).toMatch(/^keep: /);
  });

  test.each(['wait-for-mysql', 'init-mongodb', 'connect-mysql', 'flink-kafka', 'monitor-server-mysql'])(
    'acme/%s is none',
    (name) => {
      const services = {
        web: { image: 'acme/web', ports: [{ target: 80 }] },
        other: { image: `acme/${name}` },
      };
      expect(planOf('other', services)).not.toMatch(/^keep/);
    },
  );

  test('an app that comes in a build for each store is none, by the ports that it listens on', () => {
    const other = (more: ComposeService): Services => ({
      web: { image: 'acme/web', ports: [{ target: 80 }] },
      other: { image: 'acme/shop-web-mysql', ...more },
    });
    expect(planOf('other', other({ ports: [{ target: 8080 }, { target: 8443 }] }))).not.toMatch(/^keep/);
    expect(planOf('other', other({ expose: ['8080'] }))).not.toMatch(/^keep/);
    for (const more of [{}, { expose: ['3306'] }, { ports: [{ target: 3306 }, { target: 9104 }] }])
      expect(planOf('other', other(more))).toMatch(/^keep/);
    expect(planOf('other', other({ image: 'zabbix/zabbix-server-mysql:7' }))).not.toMatch(/^keep/);
  });

  test('a container that only has a volume and ends at once is no store', () => {
    const data = { image: 'busybox', volumes: [volume('d', '/var/lib/postgresql/data')] };
    const services = (more: ComposeService): Services => ({
      web: { build: '.', expose: ['80'] },
      data: { ...data, ...more },
    });
    expect(planOf('data', services({}))).toBe('job: busybox without a command exits at once');
    expect(planOf('data', services({ command: ['sh'] }))).toMatch(/^job/);
    expect(planOf('data', services({ tty: true }))).toMatch(/^keep/);
    expect(planOf('data', services({ image: 'alpine', command: ['run.sh'] }))).toMatch(/^keep/);
  });

  test('the tools of a store are no store', () => {
    const loop = ['sh', '-c', 'while true; do pg_dump -h db > /b/x; sleep 86400; done'];
    const services: Services = {
      web: { build: '.', expose: ['80'] },
      backup: { image: 'postgres:17', command: loop, volumes: [volume('b', '/b')] },
      db: { image: 'postgres:17', command: ['postgres', '-c', 'log_statement=all'] },
      tuned: { image: 'postgres:17', command: ['-c', 'max_connections=50'] },
      cache: {
        image: 'redis:7',
        command: ['redis-server'],
        healthcheck: { test: ['CMD', 'redis-cli', 'ping'] },
      },
    };
    expect(planOf('backup', services)).toMatch(/^recreate/);
    for (const name of ['db', 'tuned', 'cache']) expect(planOf(name, services)).toMatch(/^keep/);
    expect(isPostgres(services.backup ?? {})).toBe(false);
    expect(isPostgres(services.tuned ?? {})).toBe(true);
  });

  test('Postgres under another name, by where PGDATA puts its files', () => {
    const service = {
      image: 'acme/pg-ext',
      environment: { PGDATA: '/pg/17' },
      volumes: [volume('p', '/pg')],
    };
    expect(isPostgres(service)).toBe(true);
    expect(planOf('db', { web: { build: '.', expose: ['80'] }, db: service })).toMatch(/^keep/);
  });

  test('an app of one’s own may have its files where Mongo has them', () => {
    const service = { build: '.', expose: ['80'], volumes: [volume('files', '/data/db')] };
    const images = {
      web: { ports: [], entrypoint: [], command: [], volumes: [], env: {}, labels: {}, from: 'node:24' },
    };
    const [plan] = describeServices(model({ web: service }), config, { images });
    expect(plan?.strategy).toBe('recreate');
  });
});

describe('another program in the image of a service', () => {
  const web = { image: 'acme/app', ports: [{ target: 3000, published: '80' }] };
  test.each<[string, ComposeService, RegExp]>([
    [
      'one that nobody knows',
      { command: ['bin/threaded'] },
      /^singleton: it runs a separate program in the image of web/,
    ],
    ['a worker by its command', { command: ['bin/worker'] }, /^workers/],
    ['the image’s own', {}, /^workers/],
    ['several of it', { command: ['bin/threaded'], deploy: { replicas: 2 } }, /^workers/],
  ])('%s', (_, more, expected) => {
    expect(planOf('other', { web, other: { image: 'acme/app', ...more } })).toMatch(expected);
  });

  test('one that is called has its name in both colors', () => {
    const caller = { ...web, environment: { BOT: 'http://other/' } };
    const services = { web: caller, other: { image: 'acme/app', command: ['bin/threaded'] } };
    expect(planOf('other', services)).not.toMatch(/^singleton/);
  });
});

test('what stays down after a restart of the server is said', () => {
  const notesOf = (service: ComposeService) => (one(service, {}).notes ?? []).join();
  const failing = { image: 'acme/worker', restart: 'on-failure:3' };
  expect(notesOf(failing)).toContain('restart: on-failure:3 leaves it down');
  expect(notesOf({ ...failing, restart: 'unless-stopped' })).not.toContain('leaves it down');
  expect(notesOf({ ...failing, expose: ['80'] })).not.toContain('leaves it down');
});

describe('fixed addresses', () => {
  const net = (address: string): ComposeService => ({
    networks: { default: { ipv4_address: address } as { aliases?: string[] } },
  });

  test('a service that others call by its address is replaced in place', () => {
    const services: Services = {
      resolver: { build: './resolver', ...net('172.22.1.254') },
      mail: { build: './mail', dns: ['172.22.1.254'] },
    };
    expect(planOf('resolver', services)).toBe(
      'recreate: mail calls it by its fixed address 172.22.1.254, which only one container can have',
    );
    expect(planOf('mail', services)).toMatch(/^workers/);
  });

  test('part of another address is none', () => {
    const services: Services = {
      resolver: { build: './resolver', ...net('172.22.1.2') },
      mail: { build: './mail', dns: ['172.22.1.25'] },
    };
    expect(planOf('resolver', services)).toMatch(/^recreate: it has the fixed address 172.22.1.2,/);
  });

  test('one without a port is replaced in place, also for its hardware address; a worker goes without', () => {
    const services: Services = {
      web: { build: '.', expose: ['80'] },
      bot: { build: './bot', ...net('172.22.1.2') },
      tuner: { build: './tuner', mac_address: '02:42:ac:11:00:03' },
      queue: { build: './queue', command: ['celery', '-A', 'shop', 'worker'], ...net('172.22.1.3') },
      worker: { build: './worker', ...net('172.22.1.4') },
    };
    expect(planOf('bot', services)).toMatch(/^recreate: it has the fixed address 172.22.1.2,/);
    expect(planOf('tuner', services)).toMatch(/^recreate: it has the fixed MAC address,/);
    for (const name of ['queue', 'worker']) expect(planOf(name, services)).toMatch(/^workers/);
    expect(planOf('web', services)).toMatch(/^blue-green/);
  });
});

describe('what one container alone can have', () => {
  const web = { build: '.', expose: ['80'] };

  test('a serial device, and not a graphics card', () => {
    expect(one({ ...web, devices: [{ source: '/dev/ttyUSB0', target: '/dev/ttyUSB0' }] }).reason).toBe(
      'it uses the device /dev/ttyUSB0, which only one container can use',
    );
    expect(one({ ...web, devices: ['/dev/serial/by-id/x:/dev/x'] }).strategy).toBe('recreate');
    const others = [{ source: '/dev/dri' }, { source: '/dev/net/tun' }, '/dev/nvidia0', '/dev/fuse'];
    expect(one({ ...web, devices: others }).strategy).toBe('blue-green');
  });

  test('the volumes of another service', () => {
    const writer = { build: './writer', command: ['./write'], volumes: [volume('data')] };
    const all = (from: string, source: ComposeService = writer) =>
      planOf('web', { web: { ...web, volumes_from: [from] }, writer: source });
    expect(all('writer')).toMatch(/^recreate: it writes to the volumes of writer/);
    expect(all('container:old')).toMatch(/^recreate/);
    expect(all('writer:ro')).toMatch(/^blue-green/);
    expect(all('writer', { ...writer, volumes: [volume('data', '/data', { read_only: true })] })).toMatch(
      /^blue-green/,
    );
  });

  test('a job of Swarm ends', () => {
    const service = { build: '.', command: ['./nightly'], deploy: { mode: 'replicated-job' } };
    expect(one(service as ComposeService).strategy).toBe('job');
  });
});

describe('what variables say of others', () => {
  test('the port of another service in a variable is not one of its own', () => {
    const services: Services = {
      'trainer-http': {
        build: '.',
        ports: [{ target: 3000, published: '3000' }],
        environment: { PORT: '3000', TRAINER_GRPC_ADDR: 'trainer-grpc:3000' },
      },
      'trainer-grpc': { build: '.', environment: { GRPC_ADDR: '0.0.0.0:4000' }, expose: ['4000'] },
    };
    const modes = describeServices(model(services), config).map(({ ports }) => ports[0]?.mode);
    expect(modes).toEqual(['http', 'tcp']);
  });

  test('a password that reads like an address calls nothing', () => {
    const services: Services = {
      web: { build: '.', expose: ['80'], environment: { MAIL_PASSWORD: 'x@mailer:2525' } },
      mailer: { build: './mailer' },
    };
    expect(planOf('mailer', services)).toBe('workers: it has no port and no HTTP health check');
  });

  test('a secret address does', () => {
    const services: Services = {
      web: { build: '.', expose: ['80'], environment: { MAILER_DSN: 'smtp://u:p@mailer:2525' } },
      mailer: { build: './mailer' },
    };
    expect(planOf('mailer', services)).toMatch(/^blue-green: .*2525: tcp|port 2525/);
  });
});
