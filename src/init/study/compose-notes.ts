import type { UnusedFile } from '../../config/compose/choice/choice.ts';
import { folderOf, isAside, isAsideProfile } from '../../config/compose/choice/names.ts';
import { shellVariable } from '../../config/env/shell-variables.ts';
import type { ComposeModel } from '../../config/model.ts';
import { imageRole } from '../../config/services/stores.ts';
import { enumerate } from '../render/terminal.ts';
import type { Seen } from './repository.ts';
import { nameOf } from './tree.ts';

/** Notes about the chosen compose files, and about services in them that are not deployed. */
export function composeNotes(
  seen: Pick<Seen, 'compose' | 'composeFiles' | 'examples' | 'shell'>,
  model: ComposeModel | undefined,
): string[] {
  const { compose } = seen;
  if (compose === undefined) return [];
  const { files, unused, doubt } = compose;
  const notes: string[] = [];
  if (doubt !== undefined)
    notes.push(`${doubt}. To deploy another file, run \`sluice init --compose FILE\`.`);
  const used = files.map(({ path }) => path);
  const alternatives = pathsOf(unused, 'alternative');
  if (alternatives.length > 0) {
    const others = `${few(alternatives)} ${alternatives.length === 1 ? 'is an alternative' : 'are alternatives'}`;
    notes.push(
      `Deployed from ${enumerate(used)}; ${others}. To deploy ${alternatives.length === 1 ? 'it' : 'one'} instead, run \`sluice init --compose ${alternatives[0]}\`.`,
    );
  }
  const overlays = pathsOf(unused, 'overlay');
  if (overlays.length > 0) {
    const both = [...used, overlays[0]].map((path) => `--compose ${path}`).join(' ');
    notes.push(
      `Not used: ${few(overlays)}, ${overlays.length === 1 ? 'an overlay' : 'overlays'} of another file. To add ${overlays.length === 1 ? 'it' : 'one'}, run \`sluice init ${both}\`.`,
    );
  }
  const templates = pathsOf(unused, 'override-example');
  if (templates.length > 0)
    notes.push(
      `${few(templates)} ${templates.length === 1 ? 'is a template' : 'are templates'} to copy and fill in, and production uses no override file. Put the ports and settings that production needs into a separate file, and pass both files with --compose.`,
    );
  notes.push(...overrideNotes(seen, model));
  const isExample = files.some(({ path }) => isAside(path));
  const elsewhere = pathsOf(unused, 'elsewhere').filter((path) => isExample || !isAside(path));
  if (elsewhere.length > 0)
    notes.push(
      `Compose files in other folders are not deployed: ${few(elsewhere)}. To deploy one instead, run \`sluice init --compose ${elsewhere[0]}\`.`,
    );
  return [...notes, ...shellNotes(seen), ...profileNotes(seen, model)];
}

/** Docker Compose adds an override file by default; if only that file has the ports, the app is unreachable without it. */
function overrideNotes(
  { compose, composeFiles }: Pick<Seen, 'compose' | 'composeFiles'>,
  model: ComposeModel | undefined,
): string[] {
  const files = compose?.files ?? [];
  const folder = folderOf(files[0]?.path ?? '');
  const override = composeFiles.find(
    ({ path }) => folderOf(path) === folder && /^(?:docker-)?compose\.override\.ya?ml$/.test(nameOf(path)),
  );
  if (override === undefined || files.includes(override)) return [];
  const lacking = (key: 'ports' | 'volumes', isBare: (name: string) => boolean) =>
    Object.entries(override.services)
      .filter(([name, service]) => Array.isArray(service[key]) && isBare(name))
      .map(([name]) => name);
  const closed = lacking('ports', (name) => isClosed(model?.services[name]));
  // A database without its volume loses its data with its container.
  const bare = lacking('volumes', (name) => {
    const service = model?.services[name];
    return service !== undefined && imageRole(service) !== undefined && (service.volumes ?? []).length === 0;
  });
  if (closed.length + bare.length === 0) return [];
  const both = [...files, override].map(({ path }) => `--compose ${path}`).join(' ');
  const what = [
    ...(closed.length === 0 ? [] : [`publishes the ports of ${enumerate(closed)}`]),
    ...(bare.length === 0 ? [] : [`gives ${enumerate(bare)} the volumes for their data`]),
  ];
  return [
    `${override.path} ${what.join(' and ')}, but production does not use it. If the whole file fits production, run \`sluice init ${both}\`. Otherwise, move that part to ${files.at(-1)?.path}.`,
  ];
}

function isClosed(service: ComposeModel['services'][string] | undefined): boolean {
  return service !== undefined && (service.ports ?? []).length === 0 && service.labels === undefined;
}

/** Profiles that an example selects, without those for developers: a target has to select the same. */
export function profilesExample({
  examples,
  compose,
}: Pick<Seen, 'examples' | 'compose'>):
  | { readonly path: string; readonly value: string; readonly left: readonly string[] }
  | undefined {
  const isUsed = compose?.files.some(({ text }) => /\bprofiles:|\binclude:|\bextends:/.test(text)) ?? false;
  const example = examples.find(({ isNear, values }) => isNear && values['COMPOSE_PROFILES'] !== undefined);
  const all = (example?.values['COMPOSE_PROFILES'] ?? '').split(',').map((part) => part.trim());
  const left = all.filter(isAsideProfile);
  const value = all.filter((candidate) => candidate !== '' && !left.includes(candidate)).join(',');
  return example === undefined || value === '' || !isUsed ? undefined : { path: example.path, value, left };
}

/** A deploy rejects them unless the target sets them. */
function shellNotes({ compose, shell }: Pick<Seen, 'compose' | 'shell'>): string[] {
  return shell.flatMap(({ name }) => {
    const variable = shellVariable(name);
    const use = new RegExp(`\\$\\{?${name}\\b`);
    const places = (compose?.files ?? []).flatMap(({ path, text }) => {
      const line = text.split('\n').findIndex((candidate) => use.test(candidate));
      return line < 0 ? [] : [`${path}:${line + 1}`];
    });
    return variable === undefined
      ? []
      : [`${enumerate(places)}: $\{${name}} is ${variable.is}, so a deploy fails there. ${variable.instead}`];
  });
}

function profileNotes(seen: Pick<Seen, 'compose' | 'examples'>, model: ComposeModel | undefined): string[] {
  const notes: string[] = [];
  const example = profilesExample(seen);
  if (example !== undefined)
    notes.push(
      `COMPOSE_PROFILES=${example.value} in ${example.path} selects the services${example.left.length === 0 ? '' : ` (without ${enumerate(example.left)}, for development by name)`}. Set it in the variables of each target.`,
    );
  const hidden = (seen.compose?.files ?? [])
    .flatMap(({ services }) => Object.entries(services))
    .filter(([name, { profiles }]) => Array.isArray(profiles) && model?.services[name] === undefined)
    .map(([name]) => name);
  if (model !== undefined && hidden.length > 0)
    notes.push(
      `Behind a profile and not deployed: ${enumerate([...new Set(hidden)])}. To select profiles, set COMPOSE_PROFILES in the target’s variables.`,
    );
  return notes;
}

function pathsOf(unused: readonly UnusedFile[], role: UnusedFile['role']): string[] {
  return unused.filter((file) => file.role === role).map(({ path }) => path);
}

function few(paths: readonly string[]): string {
  return paths.length > 4 ? `${paths.slice(0, 3).join(', ')} and ${paths.length - 3} more` : enumerate(paths);
}
