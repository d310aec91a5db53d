import { realpath } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { isRemoteContext } from '../../config/compose/build-files.ts';
import { composeTexts } from '../../config/compose/written.ts';
import type { Config, Env } from '../../config/model.ts';
import { refusal } from '../../config/secrets/compose-requests.ts';
import { isGivenToBuilds, reservedGroup, whyReserved } from '../../config/secrets/reserved.ts';
import { UserError, UserErrors } from '../../kernel/errors.ts';
import type { BuildTarget } from '../model.ts';

/**
 * Refuses what a `build:` section must not get: a credential of the job as a secret, a file of the kernel (such as the
 * environment of a process), and a remote cache that gets the job's credentials.
 *
 * @param about `variables`: those for the compose files. A reserved name among them is the target's own.
 * @throws UserErrors `compose.reserved`, all at once.
 */
export async function refuseReserved(
  targets: readonly BuildTarget[],
  config: Config,
  { variables, credentialFiles }: { readonly variables: Env; readonly credentialFiles: readonly string[] },
): Promise<void> {
  const compose = config.compose.map((path) => (isAbsolute(path) ? path : join(config.folder, path)));
  const names = targets.flatMap((target) => reservedSecrets(target, config, variables));
  const texts = names.length === 0 ? [] : await composeTexts(compose);
  const errors = [
    ...names.map(({ request, hint }) => refusal(request, texts, config, hint)),
    ...(await Promise.all(targets.map((target) => reservedFiles(target, credentialFiles)))).flat(),
    ...targets.flatMap((target) => foreignCaches(target, config)),
  ];
  if (errors.length > 0) throw new UserErrors(errors);
}

function reservedSecrets({ name: target, secrets }: BuildTarget, config: Config, variables: Env) {
  return secrets.flatMap(({ id, env, file }) => {
    const name = env ?? id;
    if (file !== undefined || Object.hasOwn(variables, name)) return [];
    if (whyReserved(name, config) === undefined || isGivenToBuilds(name, config)) return [];
    const allowed = reservedGroup(name)?.allowed ?? 'never';
    const hint =
      allowed === 'never'
        ? 'Set the value under another name.'
        : `If builds may use it, list it in sluice.yml: build: { job-credentials: [${name}] }. Otherwise, use another name.`;
    return [{ request: { name, key: `${target}: the build secret ${id}` }, hint }];
  });
}

/** Files that builds must not read: `/proc/self/environ` has the environment of its reader, `/dev/fd` its open files. */
async function reservedFiles(target: BuildTarget, credentials: readonly string[]): Promise<UserError[]> {
  const { dockerfile, context } = target;
  const isHere = !isRemoteContext(context);
  const paths: { readonly what: string; readonly path: string; readonly isFolder?: boolean }[] = [
    ...target.secrets.flatMap(({ id, file }) =>
      file === undefined ? [] : [{ what: `the build secret ${id}`, path: file }],
    ),
    ...target.ssh.flatMap((entry) =>
      entry
        .slice(entry.indexOf('=') + 1)
        .split(',')
        .flatMap((path) => (isAbsolute(path) ? [{ what: 'the SSH key of the build', path }] : [])),
    ),
    ...(isHere ? [{ what: 'the context', path: context, isFolder: true }] : []),
    ...(isHere && dockerfile.kind === 'file' ? [{ what: 'the Dockerfile', path: dockerfile.path }] : []),
    ...Object.entries(target.contexts).flatMap(([name, path]) =>
      isAbsolute(path) ? [{ what: `the context ${name}`, path, isFolder: true }] : [],
    ),
  ];
  const real = (path: string) => realpath(path).catch(() => path);
  const secret = new Set(await Promise.all(credentials.map(real)));
  // A Dockerfile can copy everything below a context.
  const present = (await Promise.all(credentials.map((path) => realpath(path).catch(() => [])))).flat();
  const found = await Promise.all(
    paths.map(async ({ what, path, isFolder }) => {
      const place = await real(path);
      const isKernels = [path, place].some((candidate) => /^\/(?:proc|sys|dev)(?:\/|$)/.test(candidate));
      if (isKernels) return { what, path, why: 'a kernel file that may contain credentials of the job' };
      if (secret.has(place)) return { what, path, why: 'a file with credentials of the job' };
      if (isFolder !== true) return undefined;
      const below = present.find((file) => file.startsWith(place === '/' ? '/' : `${place}/`));
      if (below !== undefined)
        return { what, path, why: `which contains ${below}, a file with credentials of the job` };
      return place === '/' ? { what, path, why: 'which contains kernel files' } : undefined;
    }),
  );
  return found
    .filter((candidate) => candidate !== undefined)
    .map(
      ({ what, path, why }) =>
        new UserError({
          code: 'compose.reserved',
          message: `${target.name}: ${what} is ${path}, ${why}`,
          hint: 'Use another path, preferably one in the repository.',
        }),
    );
}

/** Fields that buildx fills in from its environment, by kind of cache (buildx, util/buildflags/cache.go). */
const cacheVariables: Readonly<Record<string, string>> = {
  gha: 'ACTIONS_RUNTIME_TOKEN',
  s3: 'AWS_ACCESS_KEY_ID',
};

function foreignCaches({ name: target, cacheFrom, cacheTo }: BuildTarget, config: Config): UserError[] {
  return [...cacheFrom, ...cacheTo].flatMap((entry) => {
    const fields = cacheFields(entry);
    const type = fields.get('type') ?? '';
    const variable = Object.hasOwn(cacheVariables, type) ? cacheVariables[type] : undefined;
    if (variable === undefined) return [];
    const isElsewhere = type !== 'gha' || fields.has('url') || fields.has('url_v2');
    const hasOwn = fields.has('token') || fields.has('access_key_id');
    if (!isElsewhere || hasOwn || isGivenToBuilds(variable, config)) return [];
    return [
      new UserError({
        code: 'compose.reserved',
        message: `${target}: a cache of type ${type} gets ${variable}, which is reserved: it is ${whyReserved(variable, config)}`,
        hint:
          type === 'gha'
            ? 'Remove its url: GitHub’s own cache needs none.'
            : `If builds may use it, list it in sluice.yml: build: { job-credentials: [${variable}] }.`,
      }),
    ];
  });
}

/** As buildx reads them: names of fields in lower case. */
export function cacheFields(entry: string): ReadonlyMap<string, string> {
  return new Map(
    entry.split(',').flatMap((part) => {
      const equals = part.indexOf('=');
      const key = part.slice(0, Math.max(0, equals)).replace(/^"/, '').trim().toLowerCase();
      return equals < 1 ? [] : [[key, part.slice(equals + 1).replace(/"$/, '')] as const];
    }),
  );
}
