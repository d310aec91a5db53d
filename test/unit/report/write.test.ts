import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { UserError } from '../../../src/kernel/errors.ts';
import { createMask } from '../../../src/kernel/masking/mask.ts';
import { headline } from '../../../src/report/headline.ts';
import { writeReports } from '../../../src/report/write.ts';
import { confirmed, undone } from '../../support/report/fixtures.ts';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sluice-report-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;
const mask = createMask();

describe('writeReports', () => {
  test('a page and its data, for the user alone, and not for git', async () => {
    const { html, json } = await writeReports(confirmed, { dir, env: {}, mask });
    expect(html).toBe(join(dir, '.sluice/reports/20260314-025803-v1.2.4.html'));
    expect(json).toBe(join(dir, '.sluice/reports/20260314-025803-v1.2.4.json'));
    expect(await readFile(html, 'utf8')).toContain('<!doctype html>');
    expect(JSON.parse(await readFile(json, 'utf8'))).toEqual(JSON.parse(JSON.stringify(confirmed)));
    expect([await modeOf(html), await modeOf(json)]).toEqual([0o600, 0o600]);
    expect(await modeOf(join(dir, '.sluice/reports'))).toBe(0o700);
    expect(await readFile(join(dir, '.sluice/reports/.gitignore'), 'utf8')).toBe('*\n');
  });

  test('again, over a file and a folder that are too open, and over a link', async () => {
    const folder = join(dir, '.sluice/reports');
    await mkdir(folder, { recursive: true, mode: 0o755 });
    const elsewhere = join(dir, 'elsewhere');
    await writeFile(elsewhere, 'untouched');
    await symlink(elsewhere, join(folder, `${confirmed.deploy}.html`));
    await writeFile(join(folder, `${confirmed.deploy}.json`), 'old', { mode: 0o644 });
    const { html, json } = await writeReports(confirmed, { dir, env: {}, mask });
    expect(await readFile(elsewhere, 'utf8')).toBe('untouched');
    expect([await modeOf(html), await modeOf(json), await modeOf(folder)]).toEqual([0o600, 0o600, 0o700]);
    expect((await readdir(folder)).sort()).toEqual([
      '.gitignore',
      `${confirmed.deploy}.html`,
      `${confirmed.deploy}.json`,
    ]);
  });

  test.each([
    ['../../../etc/cron.d/x', '__.._.._etc_cron.d_x'],
    ['..', '_'],
    ['a b/c\n|d', 'a_b_c__d'],
    ['', 'deploy'],
    ['x'.repeat(500), 'x'.repeat(120)],
  ])('the id %j stays in the folder', async (deploy, name) => {
    const { html } = await writeReports({ ...confirmed, deploy }, { dir, env: {}, mask });
    expect(html).toBe(join(dir, '.sluice/reports', `${name}.html`));
    expect((await stat(html)).isFile()).toBe(true);
  });

  test('no secret in any of them', async () => {
    const secret = 'swordfish<&>"swordfish';
    const known = createMask();
    known.add(secret);
    const GITHUB_STEP_SUMMARY = join(dir, 'summary.md');
    const report = {
      ...undone,
      error: { code: 'x', message: secret, output: `x\n${secret}\n` },
      warnings: [secret],
    };
    const { html, json } = await writeReports(report, { dir, env: { GITHUB_STEP_SUMMARY }, mask: known });
    for (const path of [html, json, GITHUB_STEP_SUMMARY])
      expect(await readFile(path, 'utf8')).not.toContain('swordfish');
  });

  test('the job summary: appended, whoever wrote before', async () => {
    const GITHUB_STEP_SUMMARY = join(dir, 'summary.md');
    await writeFile(GITHUB_STEP_SUMMARY, 'checks passed');
    await writeReports(confirmed, { dir, env: { GITHUB_STEP_SUMMARY }, mask });
    expect(await readFile(GITHUB_STEP_SUMMARY, 'utf8')).toMatch(/^checks passed\n\n## 🟢 production serves/);
  });

  test('the job summary never passes the limit at which GitHub drops it', async () => {
    const GITHUB_STEP_SUMMARY = join(dir, 'summary.md');
    const warnings = Array.from({ length: 9_000 }, (_, index) => `${index} ${'w'.repeat(200)}`);
    for (const used of [0, 900_000, 1_044_000, 1_048_576]) {
      await writeFile(GITHUB_STEP_SUMMARY, 'x'.repeat(used));
      await writeReports({ ...confirmed, warnings }, { dir, env: { GITHUB_STEP_SUMMARY }, mask });
      expect((await stat(GITHUB_STEP_SUMMARY)).size).toBeLessThanOrEqual(1024 * 1024);
      const text = await readFile(GITHUB_STEP_SUMMARY, 'utf8');
      expect(text.includes(headline(confirmed))).toBe(used < 1_047_000);
    }
  });

  test('what can not be written is the user’s to mend, and the rest is written', async () => {
    const GITHUB_STEP_SUMMARY = join(dir, 'summary.md');
    await writeFile(join(dir, '.sluice'), 'a file where the folder should be');
    const written = writeReports(confirmed, { dir, env: { GITHUB_STEP_SUMMARY }, mask });
    await expect(written).rejects.toBeInstanceOf(UserError);
    await expect(written).rejects.toMatchObject({
      code: 'report.write',
      hint: expect.stringContaining('.sluice'),
    });
    expect(await readFile(GITHUB_STEP_SUMMARY, 'utf8')).toContain('production serves');
    await expect(
      writeReports(confirmed, {
        dir: join(dir, 'b'),
        env: { GITHUB_STEP_SUMMARY: join(dir, 'no/such/folder') },
        mask,
      }),
    ).rejects.toMatchObject({ code: 'report.write' });
    expect(await readdir(join(dir, 'b/.sluice/reports'))).toHaveLength(3);
  });
});
