import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

/** An action.yml, as the runner reads it. */
export interface ActionFile {
  /** The name of its folder, `pipeline` for the one at the top. Stubs and src/actions/ are called by it. */
  readonly name: string;
  /** Folder of the action, from the root. */
  readonly folder: string;
  readonly title: string;
  readonly description: string;
  readonly inputs: Readonly<Record<string, { readonly description: string; readonly default?: string }>>;
  readonly outputs: Readonly<Record<string, { readonly description: string }>>;
  readonly runs: { readonly using: string; readonly main: string; readonly post?: string };
}

/** Every action of this repository. */
export function actionFiles(root: string): ActionFile[] {
  const names = readdirSync(join(root, 'actions')).sort();
  const all = [
    { name: 'pipeline', folder: '.' },
    ...names.map((name) => ({ name, folder: join('actions', name) })),
  ];
  return all.map(({ name, folder }) => {
    const { name: title, ...file } = parse(readFileSync(join(root, folder, 'action.yml'), 'utf8'));
    return { ...file, name, folder, title };
  });
}
