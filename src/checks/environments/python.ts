import { createHash } from 'node:crypto';
import { copyFile, mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UserError } from '../../kernel/errors.ts';
import type { PythonProject } from '../detect/python.ts';
import type { Preparation, RunContext } from '../tool.ts';
import { installCommand, installPackages } from './installers.ts';
import { basePython, existingEnvironment, type PythonEnvironment, probePython } from './interpreter.ts';
import { kept } from './kept.ts';

/**
 * An environment with the packages of a project: an existing one that has them all, else one made in the cache and reused
 * as long as the locks stay the same. The repository is not written to.
 */
export function pythonEnvironment(project: PythonProject): Preparation<PythonEnvironment> {
  return {
    id: project.folder === '' ? 'python' : `python ${project.folder}`,
    what: installCommand(project),
    needs: [],
    cost: { cores: 1, memory: 400e6, seconds: 40 },
    timeoutMs: 600_000,
    make: (context) => makeEnvironment(context, project),
  };
}

async function makeEnvironment(context: RunContext, project: PythonProject): Promise<PythonEnvironment> {
  if (project.fault !== undefined) throw project.fault;
  const existing = await existingEnvironment(context, project);
  if (existing !== undefined) return existing;
  const base = await basePython(context, project);
  const place = join(context.cache, 'python', keyOf(context, project, base));
  const made = await kept(
    place,
    async (folder) => {
      context.note(installCommand(project));
      const { buildsProject } = project.install;
      const root = buildsProject ? join(folder, 'source') : context.repo.root;
      const scratch = join(folder, 'scratch');
      await mkdir(scratch);
      if (buildsProject) await copyRepository(context, root);
      const into = { env: join(folder, 'env'), project: join(root, project.folder), scratch, base };
      await installPackages(context, project, into);
    },
    (folder) => probePython(context, join(folder, 'env/bin/python')),
  );
  if (made !== undefined) return made;
  const message = `${installCommand(project)} created an environment that does not run`;
  throw new UserError({ code: 'checks.environment', message, hint: `Remove ${place} and run again.` });
}

/** Everything that determines the content of the environment. */
function keyOf(context: RunContext, project: PythonProject, base: PythonEnvironment): string {
  const { manager, install, folder } = project;
  const inputs = install.inputs.map((file) => [file, context.repo.read(file)]);
  const parts = [1, base.python, base.version, process.arch, manager, folder, install, inputs];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}

const largestCopied = 2 ** 20;

/** Copies what git knows of the repository, except large files, which no build of a package needs. */
async function copyRepository(context: RunContext, to: string): Promise<void> {
  for (const file of context.repo.files) {
    const from = join(context.repo.root, file);
    const found = await stat(from).catch(() => undefined);
    if (found?.isFile() !== true || found.size > largestCopied) continue;
    await mkdir(dirname(join(to, file)), { recursive: true });
    await copyFile(from, join(to, file));
  }
}
