import type { UnusedFile } from '../config/compose-choice.ts';
import { isAside } from '../config/compose-names.ts';
import type { ComposeModel } from '../config/model.ts';
import type { Seen } from './look.ts';
import { enumerate } from './words.ts';

/** What a person should know of the choice of the compose files, and of the services in them that are not deployed. */
export function composeNotes({ compose }: Pick<Seen, 'compose'>, model: ComposeModel | undefined): string[] {
  if (compose === undefined) return [];
  const { files, unused, doubt } = compose;
  const notes: string[] = [];
  if (doubt !== undefined) notes.push(`${doubt}. To deploy another file: sluice init --compose FILE.`);
  const used = files.map(({ path }) => path);
  const alternatives = pathsOf(unused, 'alternative');
  if (alternatives.length > 0) {
    const others = `${few(alternatives)} ${alternatives.length === 1 ? 'is an alternative' : 'are alternatives'}`;
    notes.push(
      `Deployed from ${enumerate(used)}; ${others}. To deploy ${alternatives.length === 1 ? 'it' : 'one'} instead: sluice init --compose ${alternatives[0]}.`,
    );
  }
  const overlays = pathsOf(unused, 'overlay');
  if (overlays.length > 0) {
    const both = [...used, overlays[0]].map((path) => `--compose ${path}`).join(' ');
    notes.push(
      `Not used: ${few(overlays)}, ${overlays.length === 1 ? 'an overlay' : 'overlays'} of another file. To add ${overlays.length === 1 ? 'it' : 'one'}: sluice init ${both}.`,
    );
  }
  const elsewhere = pathsOf(unused, 'elsewhere').filter((path) => !isAside(path));
  if (elsewhere.length > 0)
    notes.push(
      `Compose files in other folders are not deployed: ${few(elsewhere)}. To deploy one instead: sluice init --compose ${elsewhere[0]}.`,
    );
  return [...notes, ...profileNotes(files, model)];
}

function profileNotes(
  files: readonly { readonly services: Readonly<Record<string, Readonly<Record<string, unknown>>>> }[],
  model: ComposeModel | undefined,
): string[] {
  if (model === undefined) return [];
  const hidden = files
    .flatMap(({ services }) => Object.entries(services))
    .filter(([name, { profiles }]) => Array.isArray(profiles) && model.services[name] === undefined)
    .map(([name]) => name);
  if (hidden.length === 0) return [];
  return [
    `Behind a profile, and so not deployed: ${enumerate([...new Set(hidden)])}. COMPOSE_PROFILES among the target’s variables chooses profiles.`,
  ];
}

function pathsOf(unused: readonly UnusedFile[], role: UnusedFile['role']): string[] {
  return unused.filter((file) => file.role === role).map(({ path }) => path);
}

function few(paths: readonly string[]): string {
  return paths.length > 4 ? `${paths.slice(0, 3).join(', ')} and ${paths.length - 3} more` : enumerate(paths);
}
