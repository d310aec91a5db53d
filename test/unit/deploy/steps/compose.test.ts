import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compose, validateProject } from '../../../../src/deploy/on-host/compose.ts';
import { docker } from '../../../../src/host/engine/docker-cli.ts';
import type { Host } from '../../../../src/host/model.ts';
import { userErrorsOf } from '../../../../src/kernel/errors.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-compose-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function program(file: string, body: string): void {
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, `#!/bin/sh\n${body}\n`);
  chmodSync(file, 0o755);
}

beforeAll(() => {
  // The variables that the program gets, its arguments and its input.
  const body =
    'env; echo "args $*"; case "$*" in *" -f - "*) echo "stdin $(cat)";; esac; exit "$(cat "$HOME/code")"';
  program(join(folder, '.docker/cli-plugins/docker-compose'), body);
  program(join(folder, 'bin/docker'), body);
  writeFileSync(join(folder, 'code'), '0');
});

/** Commands run here, as the shell of a deploy user with these variables would. */
function host(env: Readonly<Record<string, string>> = {}): Pick<Host, 'exec' | 'name'> {
  return {
    name: 'one',
    exec: ([file, ...args], { stdin } = {}) =>
      new Promise((resolve) => {
        const path = `${join(folder, 'bin')}:${process.env.PATH}`;
        const child = execFile(
          file,
          args,
          { env: { HOME: folder, PATH: path, ...env } },
          (error, stdout, stderr) =>
            resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
        );
        child.stdin?.end(stdin);
      }),
  };
}

const project = { app: 'shop', file: '/opt/sluice/shop/releases/v2/compose.json' };
const linesOf = async (env: Readonly<Record<string, string>>) =>
  (await compose(host(env), project, ['up', '--detach', 'web'])).stdout.split('\n');

describe('Compose on a server', () => {
  test('obeys no variable of the deploy user and no .env', async () => {
    const lines = await linesOf({
      ...{ COMPOSE_REMOVE_ORPHANS: '1', COMPOSE_FILE: 'other.yml', COMPOSE_PROJECT_NAME: 'other' },
      ...{ COMPOSE_PROFILES: 'dev', COMPOSE_ENV_FILES: '.env', COMPOSE_COMPATIBILITY: '1' },
      ...{ DOCKER_DEFAULT_PLATFORM: 'linux/arm64', DB_PASSWORD: 'of the server' },
    });
    const names = lines.filter((line) => /^(?:COMPOSE|DOCKER_DEF|DB)/.test(line));
    expect(names.sort()).toEqual(['COMPOSE_IGNORE_ORPHANS=1', 'COMPOSE_REMOVE_ORPHANS=0']);
    expect(lines).toContain(
      'args --env-file /dev/null -p shop -f /opt/sluice/shop/releases/v2/compose.json up --detach web',
    );
  });

  test('keeps its credentials, the engine where there is no socket, and the mark by which it is found', async () => {
    const lines = await linesOf({
      ...{ DOCKER_HOST: 'tcp://10.0.0.2:2376', DOCKER_TLS_VERIFY: '1', DOCKER_CONTEXT: 'a "quoted" $name' },
      SLUICE_RUN: 'sluice-1',
    });
    expect(lines).toEqual(expect.arrayContaining(['SLUICE_RUN=sluice-1', `HOME=${folder}`]));
    const isLocal = lines.some((line) => line === 'DOCKER_HOST=unix:///var/run/docker.sock');
    // A machine that runs these tests may have an engine itself: then that one counts, and no other.
    const engine = [
      'DOCKER_HOST=tcp://10.0.0.2:2376',
      'DOCKER_TLS_VERIFY=1',
      'DOCKER_CONTEXT=a "quoted" $name',
    ];
    expect(lines.filter((line) => /^DOCKER_(?!CONFIG)/.test(line)).sort()).toEqual(
      isLocal ? ['DOCKER_HOST=unix:///var/run/docker.sock'] : engine.sort(),
    );
  });

  test('is asked whether it takes the project, which travels on stdin', async () => {
    const secret = { name: 'shop', services: { web: { environment: { KEY: "it's $$secret" } } } };
    await validateProject(host(), 'shop', secret);
    const { stdout } = await compose(host(), { app: 'shop', file: '-' }, ['config', '--quiet'], {
      stdin: JSON.stringify(secret),
    });
    expect(stdout).toContain(`stdin ${JSON.stringify(secret)}`);
    expect(stdout).toContain('args --env-file /dev/null -p shop -f - config --quiet');
  });

  test('a project that it does not take is refused with its reason', async () => {
    writeFileSync(join(folder, 'code'), '15');
    const error = await validateProject(host(), 'shop', { name: 'shop', services: {} }).catch(
      (reason) => reason,
    );
    writeFileSync(join(folder, 'code'), '0');
    const [fault] = userErrorsOf(error);
    expect(fault).toMatchObject({ code: 'preflight.compose-rejects' });
    expect(fault?.output).toContain('args ');
  });
});

test('the docker command uses no other platform or API than the engine has', async () => {
  const env = { DOCKER_DEFAULT_PLATFORM: 'linux/arm64', DOCKER_API_VERSION: '1.24' };
  const { stdout } = await docker(host(env), ['pull', '--quiet', 'acme/web']);
  expect(stdout).toContain('args pull --quiet acme/web');
  expect(stdout).not.toMatch(/DEFAULT_PLATFORM|API_VERSION/);
});
