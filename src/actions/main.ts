import { allWritten } from '../kernel/run.ts';
import type { Phase, StartableAction } from './action.ts';

/** Every action by the name of its folder; `pipeline` is the one at the top. Each loads its code when it runs. */
export const actions: Readonly<Record<string, () => Promise<{ readonly action: StartableAction }>>> = {
  pipeline: () => import('./pipeline.ts'),
  lint: () => import('./lint.ts'),
  test: () => import('./test.ts'),
  scan: () => import('./scan.ts'),
  build: () => import('./build.ts'),
  deploy: () => import('./deploy.ts'),
  backup: () => import('./backup.ts'),
  rollback: () => import('./rollback.ts'),
  cdn: () => import('./cdn.ts'),
};

/** Called by the stubs in dist/: runs one step of an action and ends the process with its exit code. */
export async function startAction(name: string, phase: Phase): Promise<never> {
  const load = actions[name];
  if (load === undefined) throw new Error(`there is no action ${name}`);
  const { action } = await load();
  const code = await action.start(phase);
  await allWritten();
  // Open sockets of a cut connection must not keep the process alive.
  process.exit(code);
}
