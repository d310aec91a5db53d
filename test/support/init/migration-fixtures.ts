import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ComposeService } from '../../../src/config/model.ts';
import { type MigrationSight, studyMigrations } from '../../../src/init/migrations/migrations.ts';
import { readTree } from '../../../src/init/study/tree.ts';

/** A repository of a few files, in a folder that is gone afterwards. */
export interface SmallRepo extends Disposable {
  readonly folder: string;
}

function repoWith(files: Readonly<Record<string, string>>): SmallRepo {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-init-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}

export interface SeenOptions {
  readonly context?: string;
  readonly dockerfile?: string;
  readonly target?: string;
  readonly service?: ComposeService;
}

/** What init sees of the migrations of a service that is built from these files. */
export async function sightOf(
  files: Readonly<Record<string, string>>,
  { context = '', dockerfile = 'Dockerfile', target, service = {} }: SeenOptions = {},
): Promise<MigrationSight> {
  using repo = repoWith(files);
  const text = files[context === '' ? dockerfile : `${context}/${dockerfile}`];
  const built = { context, dockerfile: text, target, args: {} };
  return await studyMigrations(await readTree(repo.folder), service, built, undefined);
}

/** The command of the first tool, or the sentence that says why there is none to run as it is. */
export async function commandOf(
  files: Readonly<Record<string, string>>,
  options?: SeenOptions,
): Promise<string | undefined> {
  const [first] = (await sightOf(files, options)).migrations;
  return first?.gap ?? first?.command;
}
