import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { downloadArtifact, uploadArtifact } from '../../../src/init/render/toolkit.ts';

/**
 * GitHub's service for artifacts, which act has not, and whose actions cannot be fetched everywhere: a folder that the
 * variable ARTIFACTS names. With TAMPER somebody adds a file to what was uploaded.
 */
const upload = `
import { appendFileSync, cpSync } from 'node:fs';
const { ARTIFACTS, INPUT_PATH, GITHUB_OUTPUT } = process.env;
cpSync(INPUT_PATH, ARTIFACTS + '/7', { recursive: true });
appendFileSync(GITHUB_OUTPUT, 'artifact-id=7\\n');
`;
const download = `
import { cpSync, writeFileSync } from 'node:fs';
const { ARTIFACTS, INPUT_PATH, TAMPER } = process.env;
cpSync(ARTIFACTS + '/' + process.env['INPUT_ARTIFACT-IDS'], INPUT_PATH, { recursive: true });
if (TAMPER) writeFileSync(INPUT_PATH + '/added.js', 'steal()');
`;

/** Flags for act. */
export function artifactActions(folder: string): string[] {
  const actions = [
    ['upload', uploadArtifact, upload],
    ['download', downloadArtifact, download],
  ] as const;
  return actions.flatMap(([name, uses, text]) => {
    const inputs = Object.fromEntries(
      ['path', 'name', 'artifact-ids'].map((entry) => [entry, { required: false }]),
    );
    nodeAction(join(folder, name), { name, inputs }, text);
    return ['--local-repository', `${uses.replace(/ .*/, '')}=${join(folder, name)}`];
  });
}

/** An action of one script. */
export function nodeAction(folder: string, head: object, text: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'action.yml'),
    stringify({ ...head, runs: { using: 'node24', main: 'main.mjs' } }),
  );
  writeFileSync(join(folder, 'main.mjs'), text);
}
