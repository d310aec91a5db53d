import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { syntheticSecret } from '../bed/app/settings.ts';
import { type CliRun, story } from './harness/cli.ts';
import { watchArguments } from './harness/proc.ts';
import { openWorld, type World } from './harness/world.ts';

/** Values that a shell, a YAML file or Compose's own interpolation would each spoil in their way. */
const odd = `it's "quoted" $(touch /tmp/owned) \${HOME} $HOME \`id\` \\n 100% #no; & | > <\nsecond line\tä 💧 — end `;
const oddInFile = `O'Neil "x" $(id) $HOME \\d ü\nline two`;
const named = 'n4med-in-the-runner_' + '9f8e7d6c5b4a';

const secrets = [
  syntheticSecret('SECRET_KEY', 64),
  syntheticSecret('JWT_SECRET_KEY', 64),
  syntheticSecret('DB_PASSWORD', 32),
  syntheticSecret('REDIS_PASSWORD', 32),
  named,
];

let world: World;
let config: string;
const env = { ODD: odd, NAMED_SECRET: named };

beforeAll(async () => {
  world = await openWorld({ target: 'single' });
  const { folder } = world.project;
  // A dotenv value in single quotes goes over lines and knows one escape.
  appendFileSync(join(folder, '.env.bed'), `ODD_IN_FILE='${oddInFile.replaceAll("'", "\\'")}'\n`);
  writeFileSync(
    join(folder, 'compose.odd.yml'),
    `services:
  backend:
    environment:
      ODD: \${ODD}
      ODD_IN_FILE: \${ODD_IN_FILE}
      NAMED_SECRET: \${NAMED_SECRET}
`,
  );
  config = world.config((content) => {
    (content.compose as string[]).push('compose.odd.yml');
    const targets = content.targets as Record<string, Record<string, unknown>>;
    Object.assign(targets.single ?? {}, { env: ['ODD', 'NAMED_SECRET'] });
  });
});
afterAll(() => world?.close());

const onHost = async (script: string) => (await world.hosts[0]?.must(script)) ?? '';

/** What of the secrets a text holds, by index: the values themselves must not be in a test's output either. */
const found = (text: string) => secrets.flatMap((secret, index) => (text.includes(secret) ? [index] : []));

function expectNoSecretSaid(run: CliRun): void {
  expect(found(run.stdout)).toEqual([]);
  expect(found(run.lines.map((line) => JSON.stringify(line)).join('\n'))).toEqual([]);
}

/** Reports and whatever else a deploy writes beside the project. */
function expectNoSecretInFolder(): void {
  const files = readdirSync(world.project.folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const leaks = files
    .filter((entry) => entry.name !== '.env.bed')
    .filter((entry) => found(readFileSync(join(entry.parentPath, entry.name), 'utf8')).length > 0);
  expect(leaks.map((entry) => entry.name)).toEqual([]);
}

const patterns = secrets.map((secret) => `printf '%s\\n' '${secret}'`).join('; ');

async function expectNoSecretOnHost(): Promise<void> {
  const search = (where: string) =>
    onHost(
      `{ ${patterns}; } >/tmp/patterns; ${where} -exec grep -lF -f /tmp/patterns {} + || true; rm /tmp/patterns`,
    );
  // The check itself: where the secrets belong, it finds them.
  const kept = await search('find /opt/sluice -type f -perm 0600');
  expect(kept).toContain('/release.json');
  expect(kept).toContain('/compose.json');
  expect(await search('find /opt/sluice -type f -perm /0177')).toBe('');
  expect(await search('find /opt/sluice -type f -path "*/journal/*"')).toBe('');
  expect(await search('find /opt/sluice -maxdepth 2 -type f -name "lease*"')).toBe('');
  // What an exec of the engine leaves for a moment in /tmp is root's; /home/deploy/plain is of the test of adoption.
  expect(await search('find /tmp /var/tmp -type f -user deploy')).toBe('');
  expect(await search('find /home/deploy -type f ! -path "*/plain/*"')).toBe('');
  expect(
    await onHost(
      'stat -c "%a %U" /opt/sluice /opt/sluice/bookreader /opt/sluice/bookreader/releases | sort -u',
    ),
  ).toBe('700 deploy\n');
}

test('values arrive unharmed, and secrets are seen nowhere', async () => {
  const release = world.another();
  // Processes of the hosts' containers are processes of this machine too.
  const watcher = watchArguments(secrets);
  const run = await world.run(world.deployOf(release, ['--config', config, '--verbose']), env);
  const seen = await watcher.stop();
  expect(run.code, story(run)).toBe(0);
  expect(run.report?.backup?.restoreTest?.ok).toBe(true);

  const environ = await onHost(
    `docker exec "$(docker ps -q --filter label=sluice.service=backend --filter label=sluice.release=${release.name})" cat /proc/1/environ | base64 -w 0`,
  );
  const variables = Buffer.from(environ, 'base64').toString('utf8').split('\0');
  const value = (name: string) =>
    variables.find((line) => line.startsWith(`${name}=`))?.slice(name.length + 1);
  expect(value('ODD')).toBe(odd);
  expect(value('ODD_IN_FILE')).toBe(oddInFile);
  expect(value('NAMED_SECRET') === named).toBe(true);
  expect(await onHost('ls /tmp')).not.toContain('owned');

  expect(seen.samples).toBeGreaterThan(100);
  expect(seen.programs).toContain('docker');
  expect(seen.leaks).toEqual([]);
  expectNoSecretSaid(run);
  expectNoSecretInFolder();
  await expectNoSecretOnHost();
});

test('a migration that prints its secrets before it fails', async () => {
  const printing = world.config((content) => {
    Object.assign(content.migrate as object, {
      command: 'echo "connecting with $DB_PASSWORD and $SECRET_KEY"; env; exit 3',
    });
  });
  const run = await world.run(
    world.deployOf(world.another(), ['--no-backup', '--verbose', '--config', printing]),
    env,
  );
  expect(
    run.errors.map((error) => error.code),
    story(run),
  ).toEqual(['migrate.failed']);
  expect(run.report?.error?.output).toContain('DB_HOST=db');
  expectNoSecretSaid(run);
  expectNoSecretInFolder();
  await expectNoSecretOnHost();
});
