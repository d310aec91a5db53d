import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Finding } from '../../../../src/checks/model.ts';
import { fingerprints } from '../../../../src/checks/verdict/fingerprint.ts';
import { cve, finding } from '../../../support/checks/fixtures.ts';

/** A file in which some lines are found fault with. */
interface Written {
  readonly lines: readonly string[];
  readonly faults: readonly number[];
}

const line = fc.constantFrom('import os', 'x = 1', '    return x', '', 'def f():', 'y = x + 2 # noqa');
const written: fc.Arbitrary<Written> = fc
  .array(fc.tuple(line, fc.boolean()), { minLength: 1, maxLength: 12 })
  .map((pairs) => ({
    lines: pairs.map(([text]) => text),
    faults: pairs.flatMap(([, faulty], index) => (faulty ? [index] : [])),
  }));

function printsOf({ lines, faults }: Written, more: Partial<Finding> = {}): string[] {
  const findings = faults.map((index) => finding({ at: { file: 'a.py', line: index + 1 }, ...more }));
  return fingerprints(findings, () => lines);
}

describe('what a fingerprint survives', () => {
  test('16 hex digits, no two alike', () => {
    fc.assert(
      fc.property(written, (file) => {
        const prints = printsOf(file);
        expect(new Set(prints).size).toBe(prints.length);
        for (const print of prints) expect(print).toMatch(/^[0-9a-f]{16}$/);
      }),
    );
  });

  test('lines that come and go anywhere, if no fault is in them, whatever they say', () => {
    fc.assert(
      fc.property(written, fc.array(fc.tuple(fc.nat(12), line)), ({ lines, faults }, inserts) => {
        const cells = lines.map((text, index) => ({ text, faulty: faults.includes(index) }));
        for (const [index, text] of inserts)
          cells.splice(Math.min(index, cells.length), 0, { text, faulty: false });
        const moved = {
          lines: cells.map(({ text }) => text),
          faults: cells.flatMap(({ faulty }, index) => (faulty ? [index] : [])),
        };
        expect(printsOf(moved)).toEqual(printsOf({ lines, faults }));
      }),
    );
  });

  test('code that is indented or spaced anew, and other columns', () => {
    fc.assert(
      fc.property(written, fc.nat(8), (file, depth) => {
        const lines = file.lines.map((text) => `${' '.repeat(depth)}${text.replaceAll(' ', '\t ')} `);
        const at = (index: number) => ({ file: 'a.py', line: index + 1, column: 1 + index });
        const findings = file.faults.map((index) => finding({ at: at(index) }));
        expect(fingerprints(findings, () => lines)).toEqual(printsOf(file));
      }),
    );
  });

  test('numbers in the message', () => {
    const say = (message: string) => fingerprints([finding({ rule: 'B001', message })], () => undefined);
    expect(say('redefines f of line 12; 3.4.1 has it')).toEqual(say('redefines f of line 9; 10.2 has it'));
    expect(say('`x1` is unused')).not.toEqual(say('`x2` is unused'));
  });

  test('the order in which a tool prints', () => {
    fc.assert(
      fc.property(written, (file) => {
        const findings = file.faults.map((index) => finding({ at: { file: 'a.py', line: index + 1 } }));
        const forward = fingerprints(findings, () => file.lines);
        const backward = fingerprints(findings.toReversed(), () => file.lines);
        expect(backward.toReversed()).toEqual(forward);
      }),
    );
  });

  test('the order of findings that differ in nothing but a number', () => {
    const say = (number: number) => finding({ rule: 'C901', message: `${number} branches` });
    const prints = fingerprints([say(3), say(4)], () => undefined);
    expect(fingerprints([say(4), say(3)], () => undefined)).toEqual(prints.toReversed());
  });

  test('notes that go, and reviews that stay, whichever line they are in', () => {
    const at = (line: number, level: Finding['level']) => finding({ level, at: { file: 'a.py', line } });
    const print = (...findings: Finding[]) => fingerprints(findings, () => undefined).at(-1);
    expect(print(at(1, 'note'), at(2, 'fail'))).toBe(print(at(2, 'fail')));
    expect(print(at(1, 'fail'), at(2, 'review'))).toBe(print(at(2, 'review')));
  });

  test('with a subject: another text of its line, another message', () => {
    const lodash = (more: Partial<Finding>, text: string) =>
      fingerprints([{ ...cve, ...more }], () => ['', text]);
    expect(lodash({}, '"lodash": "4.17.15"')).toEqual(
      lodash({ message: 'fixed in 4.17.21' }, '"lodash": "4.17.20"'),
    );
    const service = (message: string, text: string) =>
      fingerprints(
        [finding({ tool: 'sluice', rule: 'compose/memory-limit', subject: 'web', message })],
        () => [text],
      );
    expect(service('a', 'web:')).toEqual(service('b', 'web: # app'));
  });
});

describe('what makes another fingerprint', () => {
  const one = (more: Partial<Finding> = {}, text = 'import os') =>
    fingerprints([finding(more)], () => [text])[0];
  test.each<[string, string | undefined]>([
    ['another tool', one({ tool: 'eslint' })],
    ['another rule', one({ rule: 'F811' })],
    ['another file', one({ at: { file: 'b.py', line: 1 } })],
    ['another text of the line', one({}, 'import sys')],
    ['a subject', one({ subject: 'os', rule: 'B001' })],
    ['another message, in rules of one tool alone', one({ rule: 'B001', message: 'another' })],
  ])('%s', (_, print) => {
    expect(print).not.toBe(one());
    expect(print).not.toBe(one({ rule: 'B001' }));
  });

  test('of two equal lines the second has its own; when the first goes, the second takes the fingerprint of the first', () => {
    const twice = printsOf({ lines: ['import os', 'x', 'import os'], faults: [0, 2] });
    const once = printsOf({ lines: ['x', 'import os'], faults: [1] });
    expect(twice[0]).not.toBe(twice[1]);
    expect(once).toEqual(twice.slice(0, 1));
  });
});

test('equal rules of two tools have one fingerprint, so that it does not matter which of them ran', () => {
  const lines = () => ['import os'];
  const ruff = fingerprints([finding()], lines);
  expect(
    fingerprints([finding({ tool: 'pylint', rule: 'unused-import', message: 'Unused import os' })], lines),
  ).toEqual(ruff);
  const npm = {
    ...cve,
    tool: 'npm-audit',
    rule: 'GHSA-p6mc-m468-83gw',
    message: 'Prototype pollution (CVE-2020-8203)',
  };
  const other = { ...npm, at: { file: 'frontend/package.json' } };
  expect(fingerprints([other], lines)).toEqual(fingerprints([cve], lines));
});
