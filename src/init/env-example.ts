import { parseEnvFile } from '../config/env-file.ts';
import { nameOf, type Tree } from './tree.ts';

/** A file that describes the app's variables. */
export interface ExampleFile {
  readonly path: string;
  readonly text: string;
  /** What it says, as it stands. */
  readonly values: Readonly<Record<string, string>>;
  /** All names in it, those in comments (`# NAME=`) too. */
  readonly names: readonly string[];
}

const exampleName = /^\.?env(?:\.[\w-]+)?\.(?:example|sample|template|dist|tpl)$|^(?:example|sample)\.env$/;

/** `.env.example` and its like, anywhere in the repository. */
export async function findExamples(tree: Tree): Promise<ExampleFile[]> {
  const paths = tree.files.filter((path) => exampleName.test(nameOf(path)));
  const read = await Promise.all(paths.map(async (path) => readExample(path, await tree.read(path))));
  return read.filter((each) => each !== undefined);
}

function readExample(path: string, text: string | undefined): ExampleFile | undefined {
  if (text === undefined) return undefined;
  const values = valuesOf(text, path);
  const commented = [...text.matchAll(/^\s*#\s*(?:export\s+)?([A-Za-z_]\w*)\s*=/gm)].map(
    ([, name = '']) => name,
  );
  return { path, text, values, names: [...new Set([...Object.keys(values), ...commented])] };
}

function valuesOf(text: string, path: string): Record<string, string> {
  try {
    const { entries, inherited } = parseEnvFile(text, path, { interpolate: false });
    return Object.fromEntries([
      ...inherited.map(({ name }) => [name, '']),
      ...entries.map(({ name, value }) => [name, value]),
    ]);
  } catch {
    // A template for another tool: its names count all the same.
    return Object.fromEntries([...text.matchAll(/^([A-Za-z_]\w*)=/gm)].map(([, name = '']) => [name, '']));
  }
}
