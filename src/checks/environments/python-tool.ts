import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../../kernel/errors.ts';
import type { Preparation, RunContext } from '../tool.ts';
import { basePython, type PythonEnvironment, probePython } from './interpreter.ts';
import { kept } from './kept.ts';
import { pinned } from './python-hashes.ts';
import { install, makeVenv, pipInstall } from './venv.ts';

/**
 * A tool from PyPI that the repository lacks, in its own environment: installed once, reused by later runs.
 *
 * @param name as on PyPI, which is also the name of its program.
 */
export function pythonTool(name: string, version: string): Preparation<PythonEnvironment> {
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
