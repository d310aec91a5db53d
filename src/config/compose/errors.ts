import { readFile } from 'node:fs/promises';
import { type Place, UserError, UserErrors } from '../../kernel/errors.ts';
import { tail } from '../../kernel/process/process.ts';
import { shellVariable } from '../env/shell-variables.ts';
import type { Env } from '../model.ts';
import { reservedGroup } from '../secrets/reserved.ts';
import { readYaml } from '../sluice-yml/yaml.ts';
import { type ComposeCli, isAtLeast, shownPath } from './cli.ts';
import { variableFault } from './faults.ts';

const oldest = '2.20.0';
/** Since then a file may override what it includes (release notes of Docker Compose). */
const overridesIncludes = '5.0.0';

/** Names in Compose's warnings `The "NAME" variable is not set. Defaulting to a blank string.` */
export function unsetVariables(stderr: string): string[] {
  const names = [...stderr.matchAll(/The \\?"([^"\\]+)\\?" variable is not set/g)].map(
    ([, name = '']) => name,
  );
  return [...new Set(names)].sort();
}

/**
 * Errors for variables that are not set: one for all that the target has to set, and one for each that
 * only the machine where Sluice runs has.
 *
 * @param use `build`: there may be no target.
 */
export async function missingVariables(
  names: readonly string[],
  files: readonly string[],
  use: 'deploy' | 'build' = 'deploy',
): Promise<UserErrors> {
  const places = await placesOf(names, files);
  const settings = names.filter((name) => shellVariable(name) === undefined);
  const errors = names.flatMap((name) => machineError(name, places.get(name)) ?? []);
  return new UserErrors(settings.length === 0 ? errors : [unset(settings, places, use), ...errors]);
}

function unset(
  names: readonly string[],
  places: ReadonlyMap<string, LinePlace>,
  use: 'deploy' | 'build',
): UserError {
  const named = names.map((name) => {
    const place = places.get(name);
    return place === undefined ? name : `${name} (${place.file}:${place.line})`;
  });
  const at = names.map((name) => places.get(name)).find((place) => place !== undefined);
  const isBuild = use === 'build';
  const isReserved = names.some((name) => reservedGroup(name) !== undefined);
  const buildHint = isReserved
    ? 'Name a target that sets them, or add a default in the compose file. Reserved names are never read from the environment.'
    : 'Set them in the environment Sluice runs in, name a target that sets them, or add a default in the compose file.';
  return new UserError({
    code: 'compose.variable',
    message: `The compose files use variables ${isBuild ? 'that the build needs and that are not set here' : 'that the target does not set'}: ${named.join(', ')}`,
    hint: isBuild
      ? buildHint
      : `Add them to the target’s variables (env-file, env-secret, env or host-env-file in sluice.yml), or set a default: $\{${names[0]}:-value}.`,
    ...(at === undefined ? {} : { at }),
  });
}

function machineError(name: string, at: Place | undefined): UserError | undefined {
  const machine = shellVariable(name);
  if (machine === undefined) return undefined;
  return new UserError({
    code: 'compose.variable',
    message: `$\{${name}} in the compose files is ${machine.is}`,
    hint: machine.instead,
    ...(at === undefined ? {} : { at }),
  });
}

type LinePlace = Place & { readonly line: number };

async function placesOf(names: readonly string[], files: readonly string[]): Promise<Map<string, LinePlace>> {
  const places = new Map<string, LinePlace>();
  for (const file of files) {
    const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n');
    for (const name of names) {
      const use = new RegExp(`\\$\\{?${name}\\b`);
      const index = lines.findIndex((line) => use.test(line));
      if (index < 0 || places.has(name)) continue;
      places.set(name, {
        file: shownPath(file),
        line: index + 1,
        column: (lines[index]?.search(use) ?? 0) + 1,
      });
    }
  }
  return places;
}

/** The failure of `docker compose config`, as an error for the user. */
export async function composeFailure(
  cli: ComposeCli,
  stderr: string,
  env: Env,
): Promise<UserError | UserErrors> {
  const output = withoutValues(withoutNoise(stderr), env);
  const missing = /required variable (\w+) is missing a value/.exec(stderr)?.[1];
  if (missing !== undefined) return missingVariables([missing], cli.files);

  const version = await cli.version();
  if (version === undefined) {
    return new UserError({
      code: 'compose.missing',
      message: 'The docker compose plugin is not installed; Sluice needs it to read the compose files',
      hint: 'Install docker-compose-plugin (2.20 or newer), called docker-compose-v2 on Ubuntu, where Sluice runs. No engine is needed.',
      output: tail(output, 5),
    });
  }
  if (!isAtLeast(version, oldest)) {
    return new UserError({
      code: 'compose.too-old',
      message: `Docker Compose ${version} is too old: Sluice needs ${oldest} or newer`,
      hint: 'Install a current docker-compose-plugin.',
      output: tail(output, 5),
    });
  }
  if (/conflicts with imported resource/.test(output) && !isAtLeast(version, overridesIncludes)) {
    return new UserError({
      code: 'compose.too-old',
      message: `The compose files override a resource that they include: Docker Compose ${version} does not support that, ${overridesIncludes} does`,
      hint: 'Install a current docker-compose-plugin where Sluice runs, or give the service another name.',
      output: tail(output, 5),
    });
  }
  return (
    (await yamlFaults(cli.files)) ??
    (await variableFault(output, cli.files, env)) ??
    invalid(output, cli.files)
  );
}

/** Compose's own message about broken YAML often lacks the file: ours has line and column, too. */
async function yamlFaults(files: readonly string[]): Promise<UserErrors | undefined> {
  const faults: UserError[] = [];
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => undefined);
    const read = text === undefined ? [] : readYaml(text, shownPath(file));
    for (const error of Array.isArray(read) ? (read as readonly UserError[]) : []) {
      const { message, hint, at } = error;
      faults.push(
        new UserError({
          code: 'compose.invalid',
          message,
          ...(hint === undefined ? {} : { hint }),
          ...(at === undefined ? {} : { at }),
        }),
      );
    }
  }
  return faults.length > 0 ? new UserErrors(faults) : undefined;
}

function invalid(output: string, files: readonly string[]): UserError {
  const named = [
    ...output.matchAll(/(?:^|[\s"'])(\/[^\s:"']+\.(?:ya?ml|json|env|conf)|\/[^\s:"']+\/\.env[\w.-]*)/g),
  ][0]?.[1];
  const file = named ?? (files.length === 1 ? files[0] : undefined);
  const line = /\bline (\d+)/.exec(output)?.[1];
  const place =
    file === undefined
      ? undefined
      : { file: shownPath(file), ...(line === undefined ? {} : { line: Number(line) }) };
  return new UserError({
    code: 'compose.invalid',
    message: `Docker Compose rejects the compose file${files.length === 1 ? '' : 's'}`,
    hint: 'Its message is above. Run `docker compose config` to reproduce it.',
    output: tail(output, 8),
    ...(place === undefined ? {} : { at: place }),
  });
}

/** Warnings would hide the error at the end. */
function withoutNoise(stderr: string): string {
  return stderr
    .split('\n')
    .filter((line) => !/level=(?:warning|debug|info)\b/.test(line))
    .join('\n')
    .trim();
}

/**
 * Compose quotes what it can't use ("invalid port: …"), and that may be a secret. Each value gives way to the name of
 * its variable, which is also the better message.
 */
function withoutValues(text: string, env: Env): string {
  const forms = Object.entries(env).flatMap(([name, value]) =>
    [value, ...value.split(/\r?\n/), JSON.stringify(value).slice(1, -1), value.replaceAll('$', '$$$$')]
      .filter((form) => form.trim().length >= 3)
      .map((form) => ({ form, name })),
  );
  forms.sort((a, b) => b.form.length - a.form.length);
  let clean = text;
  for (const { form, name } of forms) clean = clean.replaceAll(form, () => `\${${name}}`);
  return clean;
}
