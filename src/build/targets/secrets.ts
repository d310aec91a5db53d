import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { UserError, UserErrors } from '../../kernel/errors.ts';
import type { BuildTarget } from '../model.ts';

/** The secrets of a build, which buildx reads by name; they are never stored. */
export interface BuildSecrets<Planned> {
  /** Their values by names that Sluice chooses: a compose file could choose a variable that configures docker. */
  readonly variables: Readonly<Record<string, string>>;
  /** The planned targets, with these names instead of the compose files'. */
  readonly planned: readonly Planned[];
}

/**
 * @param needed targets that are built, and those that they use as contexts.
 * @param values variables that the compose files see, over those of the environment.
 * @throws UserErrors `build.secret`, because a missing secret would fail the build partway.
 */
export function buildSecrets<Planned extends { readonly target: BuildTarget }>(
  planned: readonly Planned[],
  needed: readonly BuildTarget[],
  values: Readonly<Record<string, string | undefined>>,
): BuildSecrets<Planned> {
  const errors: UserError[] = [];
  const names = new Map<string, string>();
  const variables: Record<string, string> = {};
  for (const { name, secrets } of needed) {
    for (const { id, env, file } of secrets) {
      if (file !== undefined) {
        if (!existsSync(file)) errors.push(missing(name, id, `the file ${file} does not exist`));
        continue;
      }
      const given = env ?? id;
      const value = Object.hasOwn(values, given) ? values[given] : undefined;
      if (value === undefined || value === '') errors.push(missing(name, id, `${given} is not set`));
      else {
        const own = names.get(given) ?? `BUILD_SECRET_${names.size}`;
        names.set(given, own);
        variables[own] = value;
      }
    }
  }
  if (errors.length > 0) throw new UserErrors(errors);
  return { variables, planned: planned.map((entry) => renamed(entry, names)) };
}

function renamed<Planned extends { readonly target: BuildTarget }>(
  planned: Planned,
  names: ReadonlyMap<string, string>,
): Planned {
  const secrets = planned.target.secrets.map((secret) => {
    const own = secret.file === undefined ? names.get(secret.env ?? secret.id) : undefined;
    return own === undefined ? secret : { ...secret, env: own };
  });
  return { ...planned, target: { ...planned.target, secrets } };
}

/** Contents of those that are readable text files, for masking. */
export async function secretFileTexts(targets: readonly BuildTarget[]): Promise<string[]> {
  const files = targets.flatMap(({ secrets }) => secrets.flatMap(({ file }) => file ?? []));
  const texts = await Promise.all(
    [...new Set(files)].map(async (file) => {
      const size = await stat(file).then(({ size }) => size);
      return size > largestFile ? '' : await readFile(file, 'utf8');
    }),
  );
  return texts.filter((text) => !text.includes('\ufffd'));
}

/** BuildKit's own limit (moby/buildkit session/secrets/secretsprovider: MaxSecretSize). */
const largestFile = 500 * 1024;

function missing(target: string, id: string, why: string): UserError {
  return new UserError({
    code: 'build.secret',
    message: `${target} needs the build secret ${id}, but ${why}`,
    hint: 'Set it before running Sluice; in a workflow by `env:`, from the repository’s secrets.',
  });
}
