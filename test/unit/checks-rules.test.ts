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
} from '../../src/checks/rules/catalogue.ts';
import { expectedIn, folderRepo, linesOf, ownFindings } from './checks-own.ts';
import { memoryRepo } from './checks-repo.ts';

const fixtures = join(import.meta.dirname, '../fixtures/checks');

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
