import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { planInit } from '../../../src/init/init.ts';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** The plan for a repository with these files, on a machine without Docker and git. */
async function planOf(files: Readonly<Record<string, string>>, ownJobs = false) {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-plan-'));
  folders.push(folder);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const wishes = { production: undefined, staging: undefined, ownJobs };
  return await planInit(folder, wishes, { env: { PATH: '/nonexistent' } });
}

const compose = 'services:\n  web: { image: nginx:1.29 }\n';
const config = 'app: shop\ntargets:\n  eu: { hosts: [deploy@eu.example.com] }\n';
const site = `${config}cdn:\n  dist: public\n  store: s3://shop\n`;

describe('a site without a known front end', () => {
  test.each([false, true])('has its workflow, and a note about the build (own jobs: %s)', async (ownJobs) => {
    const { files, guess } = await planOf({ 'compose.yml': compose, 'sluice.yml': site }, ownJobs);
    const workflow = files.find(({ path }) => path === '.github/workflows/sluice-cdn.yml');
    expect(parse(workflow?.text ?? '')).toHaveProperty('jobs');
    expect(workflow?.text).toMatch(/(?:build-command|BUILD_COMMAND): ""\n/);
    expect(guess.notes.join('\n')).toContain('the CDN workflow publishes public as git has it.');
  });

  test('no site: no workflow and no note', async () => {
    const { files, guess } = await planOf({ 'compose.yml': compose, 'sluice.yml': config });
    expect(files.map(({ path }) => path).join()).not.toContain('cdn');
    expect(guess.notes.join('\n')).not.toContain('CDN');
  });
});
