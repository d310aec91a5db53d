import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ComposeModel } from '../../../src/config/model.ts';
import { chooseIn, findComposeFiles } from '../../../src/init/study/compose-files.ts';
import { composeNotes } from '../../../src/init/study/compose-notes.ts';
import { readTree } from '../../../src/init/study/tree.ts';
import { findExamples } from '../../../src/init/study/variables.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-init-compose-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** What init says of the choice of the compose files. */
async function notesOf(files: Readonly<Record<string, string>>): Promise<string[]> {
  for (const [path, text] of Object.entries(files)) writeFileSync(join(folder, path), text);
  const tree = await readTree(folder);
  const composeFiles = await findComposeFiles(tree);
  const compose = await chooseIn(tree, composeFiles);
  const services = Object.assign({}, ...(compose?.files ?? []).map((file) => file.services)) as object;
  const model = { name: 'x', services } as unknown as ComposeModel;
  return composeNotes({ compose, composeFiles, examples: [], shell: [] }, model);
}

test('an overlay that changes networks alone is named', async () => {
  const notes = await notesOf({
    'compose.yml': 'services: { web: { image: "acme/web:1" } }\n',
    'compose.ipv6.yml': 'networks: { default: { enable_ipv6: true } }\n',
  });
  expect(notes).toEqual([
    'Not used: compose.ipv6.yml, an overlay of another file. To add it, run `sluice init --compose compose.yml --compose compose.ipv6.yml`.',
  ]);
});

test('an override without which databases have no volume is named for that', async () => {
  const notes = await notesOf({
    'compose.yml': 'services: { web: { build: . }, db: { image: postgres }, cache: { image: redis } }\n',
    'compose.override.yml':
      'services: { web: { ports: ["80:80"] }, db: { volumes: ["data:/var/lib/postgresql"] } }\n',
  });
  expect(notes).toEqual([
    'compose.override.yml publishes the ports of web and gives db the volumes for their data, but production does not use it. If the whole file fits production, run `sluice init --compose compose.yml --compose compose.override.yml`. Otherwise, move that part to compose.yml.',
  ]);
});

test('values of an example that refer to others of it are whole', async () => {
  const text = 'VERSION="11.2"\nIMAGE="mariadb:${VERSION}"\nOPEN="${ELSEWHERE}/x"\nSELF="${SELF}"\n';
  writeFileSync(join(folder, '.env.example'), text);
  const [example] = await findExamples(await readTree(folder), '', { envFiles: [], variables: [] });
  expect(example?.values).toEqual({
    VERSION: '11.2',
    IMAGE: 'mariadb:11.2',
    OPEN: '${ELSEWHERE}/x',
    SELF: '${SELF}',
  });
});
