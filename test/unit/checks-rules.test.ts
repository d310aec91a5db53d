import { describe, expect, test } from 'vitest';
import { ownRules } from '../../src/checks/rules/catalogue.ts';
import { linesOf, ownFindings } from './checks-own.ts';
import { memoryRepo } from './checks-repo.ts';

describe('every rule', () => {
  test.each(ownRules.map((rule) => [rule.id, rule] as const))(
    '%s finds its bad example, and not its good one',
    async (id, { example }) => {
      const found = async (text: string) =>
        (await ownFindings(memoryRepo({ ...example.beside, [example.file]: text }))).filter(
          ({ rule }) => rule === id,
        );
      expect(await found(example.bad)).not.toEqual([]);
      expect(linesOf(await found(example.good))).toEqual([]);
    },
  );
});
