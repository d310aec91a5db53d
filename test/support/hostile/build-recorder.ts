import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { ComposeModel } from '../../../src/config/model.ts';
import { resolveHostModels } from '../../../src/config/resolve.ts';
import { loadConfig } from '../../../src/config/sluice-yml/load.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { type UserError, userErrorsOf } from '../../../src/kernel/errors.ts';
import { createLog } from '../../../src/kernel/log.ts';
import { createMask } from '../../../src/kernel/masking/mask.ts';
import { buildImages } from '../../../src/operations/build/build.ts';
import { chooseTarget } from '../../../src/operations/target.ts';
import { buildApp } from '../build/app.ts';

/** What a client of BuildKit gets to see of a build: all that a Dockerfile and a cache could get at. */
export interface Recorded {
  /** The environment of `buildx bake`; undefined: it was never run. */
  readonly environ: Readonly<Record<string, string>> | undefined;
  /** The targets that bake was given. */
  readonly targets: Readonly<Record<string, { readonly args?: object; readonly secret?: readonly string[] }>>;
  /** Registries that buildx has a login for. */
  readonly logins: readonly string[];
  /** Errors that a user would see. */
  readonly errors: readonly UserError[];
  /** All that was printed. */
  readonly text: string;
}

/** A registry that has nothing. */
export async function emptyRegistry(): Promise<{ readonly host: string } & Disposable> {
  const server = createServer((_request, response) => void response.writeHead(404).end());
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.9', resolve));
  const host = `127.0.0.9:${(server.address() as AddressInfo).port}`;
  return { host, [Symbol.dispose]: () => void server.close() };
}

/**
 * Builds a repository where a program is in the place of buildx, which writes down what it is given and fails. Compose is
 * the real one.
 *
 * @param prepare changes the repository's folder.
 */
export async function recordBuild(
  files: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>>,
  target?: string,
  prepare: (folder: string) => void = () => {},
): Promise<Recorded> {
  using app = buildApp(files);
  prepare(app.folder);
  const place = mkdtempSync('/tmp/hostile-build-');
  try {
    const paths = writePrograms(place);
    let text = '';
    const write = (part: string) => {
      text += part;
    };
    const mask = createMask(() => {});
    const log = createLog({ mode: 'plain', verbose: true, colour: false, clock: systemClock, mask, write });
    const signal = new AbortController().signal;
    const effects = { log, mask, clock: systemClock, signal, print: write, env: { ...env, ...paths } };
    const context = { effects, config: join(app.folder, 'sluice.yml') };
    const options = { dryRun: false, tags: [], push: false, force: false };
    const errors = await buildImages(context, target, options).then(
      () => [],
      (error: unknown) => {
        const known = userErrorsOf(error);
        if (known.length === 0) throw error;
        return known;
      },
    );
    return { errors, text, ...readRecord(place) };
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

/** What a deploy of the target `production` reads of a repository, or why it does not. */
export async function resolved(
  files: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>>,
): Promise<{ readonly errors: readonly UserError[]; readonly model: ComposeModel | undefined }> {
  using app = buildApp(files);
  try {
    const config = await loadConfig(join(app.folder, 'sluice.yml'));
    const target = chooseTarget(config, 'production');
    const own = { ...env, PATH: process.env['PATH'] };
    const [host] = await resolveHostModels(config, target, [], {}, { env: own });
    return { errors: [], model: host?.model };
  } catch (error) {
    const errors = userErrorsOf(error);
    if (errors.length === 0) throw error;
    return { errors, model: undefined };
  }
}

function writePrograms(place: string): { readonly PATH: string; readonly DOCKER_CONFIG: string } {
  const [bin, plugins] = [join(place, 'bin'), join(place, 'config/cli-plugins')];
  for (const folder of [bin, plugins]) mkdirSync(folder, { recursive: true });
  const program = (file: string, text: string) => {
    writeFileSync(file, `#!/bin/sh\n${text}`);
    chmodSync(file, 0o755);
  };
  const compose = ['/usr/libexec', '/usr/lib', '/usr/local/lib', '/usr/local/libexec']
    .map((folder) => `${folder}/docker/cli-plugins/docker-compose`)
    .find((file) => existsSync(file));
  program(
    join(bin, 'docker'),
    `case "$1" in
compose) shift; exec ${compose} "$@" ;;
info) echo '{"ServerVersion":"28.0.0","DriverStatus":[]}' ;;
esac
`,
  );
  program(
    join(plugins, 'docker-buildx'),
    `case "$1" in
inspect) printf 'Name: x\\nDriver: docker-container\\nPlatforms: linux/amd64\\n' ;;
version) echo 'github.com/docker/buildx v0.20.0 abc' ;;
bake)
  cat /proc/self/environ > ${place}/environ
  cat "$DOCKER_CONFIG/config.json" > ${place}/config.json 2>/dev/null
  for word in "$@"; do case "$word" in */bake.json) cat "$word" > ${place}/bake.json ;; esac; done
  echo 'ERROR: recorded' >&2; exit 1 ;;
esac
`,
  );
  return { PATH: `${bin}:${process.env['PATH']}`, DOCKER_CONFIG: join(place, 'config') };
}

function readRecord(place: string): Pick<Recorded, 'environ' | 'targets' | 'logins'> {
  if (!existsSync(join(place, 'environ'))) return { environ: undefined, targets: {}, logins: [] };
  const lines = readFileSync(join(place, 'environ'), 'utf8').split('\0');
  const pairs = lines.map(
    (line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const,
  );
  const bake = JSON.parse(readFileSync(join(place, 'bake.json'), 'utf8')) as { target: Recorded['targets'] };
  const config = JSON.parse(readFileSync(join(place, 'config.json'), 'utf8') || '{}') as { auths?: object };
  return {
    environ: Object.fromEntries(pairs),
    targets: bake.target,
    logins: Object.keys(config.auths ?? {}),
  };
}
