import { takeEnvironment } from '../kernel/process/environ.ts';
import { allWritten } from '../kernel/run.ts';
import type { Phase, StartableAction } from './step/action.ts';

/** Every action by the name of its folder; `pipeline` is the one at the top. Each loads its code when it runs. */
export const actions: Readonly<Record<string, () => Promise<{ readonly action: StartableAction }>>> = {
  pipeline: () => import('./pipeline.ts'),
  lint: async () => ({ action: (await import('./check.ts')).checkAction('lint') }),
  test: async () => ({ action: (await import('./check.ts')).checkAction('test') }),
  scan: async () => ({ action: (await import('./check.ts')).checkAction('scan') }),
  build: () => import('./build.ts'),
  deploy: () => import('./deploy.ts'),
  backup: () => import('./backup.ts'),
  rollback: () => import('./rollback.ts'),
  cdn: () => import('./cdn.ts'),
};

/**
 * Variables that a step which only checks does not need: the token that every action gets as an input, and those that
 * the runner gives only to actions. They are dropped before any code reads them.
 */
const unusedByChecks = /^(?:INPUT_GITHUB-TOKEN|ACTIONS_(?:RUNTIME|CACHE|RESULTS|ID_TOKEN)_\w+)$/;

function onlyChecks(name: string): boolean {
  const isPipelineOfChecks = name === 'pipeline' && process.env['INPUT_RUN']?.trim() === 'check';
  return ['lint', 'test', 'scan'].includes(name) || isPipelineOfChecks;
}

/** Called by the stubs in dist/: runs one step of an action and ends the process with its exit code. */
export async function startAction(name: string, phase: Phase): Promise<never> {
  const load = actions[name];
  if (load === undefined) throw new Error(`unknown action "${name}"`);
  // First of all: code that is loaded later, and every child, finds no secret in the environment of this process.
  const isOnlyChecks = onlyChecks(name);
  const own = takeEnvironment((variable) => isOnlyChecks && unusedByChecks.test(variable));
  const { action } = await load();
  const code = await action.start(phase, own);
  await allWritten();
  // Open sockets of a cut connection must not keep the process alive.
  process.exit(code);
}
