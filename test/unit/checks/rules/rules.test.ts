import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  capacityRules,
  composeRules,
  dockerfileRules,
  envRules,
  ownRules,
  ruleIds,
} from '../../../../src/checks/rules/catalogue.ts';
import { ownTools } from '../../../../src/checks/rules/tools.ts';
import type { CheckContext } from '../../../../src/checks/tool.ts';
import { loadConfig } from '../../../../src/config/sluice-yml/load.ts';
import { defaultCheckSettings } from '../../../../src/config/sluice-yml/normalise.ts';
import { expectedIn, folderRepo, linesOf, ownFindings } from '../../../support/checks/own.ts';
import { memoryRepo } from '../../../support/checks/repo.ts';

const fixtures = join(import.meta.dirname, '../../../fixtures/checks');

describe('every rule', () => {
  test('has one name, and stands in the catalogue', () => {
    const applied = [...dockerfileRules, ...composeRules, ...envRules, ...capacityRules].map(({ id }) => id);
    expect(ruleIds.size).toBe(ownRules.length);
    for (const id of applied) expect(ruleIds).toContain(id);
  });

  test.each(ownRules.map((rule) => [rule.id, rule] as const))(
    '%s finds its bad example, and not its good one',
    async (id, { example }) => {
      const found = async (text: string) => {
        const repo = memoryRepo({ ...example.beside, [example.file]: text });
        return (await ownFindings(repo)).filter(({ rule }) => rule === id);
      };
      expect(await found(example.bad)).not.toEqual([]);
      expect(linesOf(await found(example.good))).toEqual([]);
    },
  );
});

describe('repositories with known faults: all are found, and nothing else', () => {
  const names = readdirSync(join(fixtures, 'bad'));

  test.each(names)('%s', async (name) => {
    const folder = join(fixtures, 'bad', name);
    const found = await ownFindings(folderRepo(folder));
    expect(linesOf(found)).toEqual(expectedIn(folder));
  });

  test('every rule is among them', async () => {
    const seen = names.flatMap((name) =>
      expectedIn(join(fixtures, 'bad', name)).map((line) => line.split(' ')[1]),
    );
    expect([...ruleIds].filter((id) => !seen.includes(id))).toEqual([]);
    expect(names.length).toBeGreaterThanOrEqual(40);
  });
});

describe('repositories without a fault: nothing is said', () => {
  const names = readdirSync(join(fixtures, 'good'));

  test.each(names)('%s', async (name) => {
    expect(linesOf(await ownFindings(folderRepo(join(fixtures, 'good', name))))).toEqual([]);
  });

  test('the example app, with its sluice.yml and without', async () => {
    const folder = join(import.meta.dirname, '../../../../examples/bookreader');
    const config = await loadConfig(join(folder, 'sluice.yml'), folder);
    expect(linesOf(await ownFindings(folderRepo(folder)))).toEqual([]);
    expect(linesOf(await ownFindings(folderRepo(folder), config))).toEqual([]);
    expect(names.length).toBeGreaterThanOrEqual(20);
  });
});

describe('what is planned', () => {
  const planned = (texts: Record<string, string>) =>
    ownTools().flatMap((tool) => tool.plan(memoryRepo(texts), defaultCheckSettings()));

  test('a check for what there is, and the reason', () => {
    const all = planned({
      Dockerfile: 'FROM scratch\n',
      'compose.yml': 'services: { api: { image: ghcr.io/acme/api:1 } }\n',
      '.env.example': 'A=1\n',
    });
    expect(all.map(({ id, tool, why }) => [id, tool, why])).toEqual([
      ['dockerfile', 'sluice', 'Dockerfile'],
      ['compose', 'sluice', 'compose.yml'],
      ['env', 'sluice', '.env.example, compose.yml'],
      ['capacity', 'sluice', 'compose.yml'],
    ]);
    expect(planned({ 'README.md': '', '.env': 'A=1\n' }).map(({ id }) => id)).toEqual(['env']);
    expect(planned({ 'README.md': '' })).toEqual([]);
  });

  test('compose files that can’t be read did not run, and are no pass', async () => {
    const checks = planned({ 'compose.yml': 'services: [\n', Dockerfile: 'FROM scratch\n' });
    const outputs = await Promise.all(
      checks.map(async (check) => [check.id, (await check.run({} as CheckContext)).ran]),
    );
    expect(Object.fromEntries(outputs)).toEqual({
      dockerfile: true,
      compose: false,
    });
  });
});

test('no finding holds the value of a secret', async () => {
  const folders = readdirSync(join(fixtures, 'bad')).map((name) => join(fixtures, 'bad', name));
  const found = (await Promise.all(folders.map((folder) => ownFindings(folderRepo(folder))))).flat();
  const values = [
    'pZ3kQ8vN2xT6b',
    'q7Zk2Vn9xTb4',
    'AKIAIOSFODNN7',
    'sk_live_',
    'letmein99',
    'not-so-secret-default',
    'k3jZ81mQ',
  ];
  for (const value of values) expect(JSON.stringify(found)).not.toContain(value);
});
