import { describe, expect, test } from 'vitest';
import { importsOf } from '../../house/scan.ts';

/** `kind from line` of each import, which reads better in an expectation. */
function found(...lines: string[]): string[] {
  return importsOf(lines.join('\n')).map((imported) => `${imported.kind} ${imported.from} ${imported.line}`);
}

describe('importsOf finds', () => {
  test.each<[string, string, string]>([
    ['named', "import { a, b as c } from './x.ts';", 'value ./x.ts 1'],
    ['default', "import a from './x.ts';", 'value ./x.ts 1'],
    ['default and named', "import a, { b } from './x.ts';", 'value ./x.ts 1'],
    ['namespace', "import * as a from './x.ts'", 'value ./x.ts 1'],
    ['side effect', "import './x.ts';", 'value ./x.ts 1'],
    ['double quotes', 'import { a } from "./x.ts";', 'value ./x.ts 1'],
    ['no spaces', "import{a}from'./x.ts';", 'value ./x.ts 1'],
    ['type', "import type { A } from './x.ts';", 'type ./x.ts 1'],
    ['type default', "import type A from './x.ts';", 'type ./x.ts 1'],
    ['type namespace', "import type * as A from './x.ts';", 'type ./x.ts 1'],
    ['a value called type', "import type from './x.ts';", 'value ./x.ts 1'],
    ['a value called type and more', "import type, { a } from './x.ts';", 'value ./x.ts 1'],
    ['inline types only: the module still loads', "import { type A } from './x.ts';", 'value ./x.ts 1'],
    ['re-export', "export { a } from './x.ts';", 'value ./x.ts 1'],
    ['re-export of all', "export * from './x.ts';", 'value ./x.ts 1'],
    ['re-export of all by name', "export * as x from './x.ts';", 'value ./x.ts 1'],
    ['type re-export', "export type { A } from './x.ts';", 'type ./x.ts 1'],
    ['type re-export of all', "export type * from './x.ts';", 'type ./x.ts 1'],
    ['dynamic', "const x = await import('./x.ts');", 'dynamic ./x.ts 1'],
    ['dynamic in an arrow', "load(() => import( './x.ts' ));", 'dynamic ./x.ts 1'],
    ['the type of a module', "type X = typeof import('./x.ts');", 'type ./x.ts 1'],
    ['inside an inserted expression', "`a ${await import('./x.ts')} b`", 'dynamic ./x.ts 1'],
  ])('%s', (_, source, expected) => {
    expect(found(source)).toEqual([expected]);
  });

  test('the line of the name in a statement over several lines', () => {
    expect(found('import {', '  a,', '  type B,', "} from './x.ts';", "import c from './y.ts';")).toEqual([
      'value ./x.ts 4',
      'value ./y.ts 5',
    ]);
  });

  test('each of two statements on one line, and the one after a statement that imports nothing', () => {
    expect(found("import a from 'a'; import b from 'b';")).toEqual(['value a 1', 'value b 1']);
    expect(found('export interface A {}', "export type { B } from './b.ts';")).toEqual(['type ./b.ts 2']);
    expect(found('export const from = 1', "import './a.ts'")).toEqual(['value ./a.ts 2']);
  });
});

describe('importsOf is not misled by', () => {
  test.each<[string, string]>([
    ['a line comment', "// import a from './x.ts';"],
    ['a block comment', "/*\n import a from './x.ts';\n*/"],
    ['a comment without end', "/* import a from './x.ts';"],
    ['a text', 'const a = "import b from \'./x.ts\'";'],
    ['a text over two lines', 'const a = \'one \\\nimport b from "./x.ts"\';'],
    ['a template', "const a = `\nimport b from './x.ts';\n`;"],
    [
      'a template within a template',
      "const a = `${f(`import b from './x.ts'`, { c: {} })} import d from './x.ts'`;",
    ],
    ['import.meta', "const a = new URL('./x.lua', import.meta.url);"],
    ['a method called import', "module.import('./x.ts');"],
    ['a path that is computed', 'await import(path);'],
    ['Array.from', "export const a = Array.from('./x.ts');"],
  ])('%s', (_, source) => {
    expect(found(source)).toEqual([]);
  });

  test.each<[string, string]>([
    ['a quote in a pattern', 'const a = /[\'"`]/;'],
    ['slashes in a pattern', 'const a = text.replace(/[/]\\/*/g, "");'],
    ['a comment sign in a text', "const a = 'http://x/*';"],
    ['a division', 'const a = b / c; const d = e / f;'],
    ['a division after a template', "const a = `1` / 2; const b = '/';"],
    ['a quote in a comment', "// don't"],
    ['a text without end', "const a = 'oops"],
    ['a template with braces, dollars and escapes', 'const a = `{ $ \\` \\${ ${b({ c: `}` })} }`;'],
  ])('%s: what follows is found', (_, source) => {
    expect(found(source, "import a from './x.ts';")).toEqual([
      `value ./x.ts ${source.split('\n').length + 1}`,
    ]);
  });
});
