import { guessTargets } from '../src/init/guess/targets.ts';
import { type Caller, renderCaller } from '../src/init/render/callers.ts';

/** workflows/: what `sluice init` writes for a repository like most, for those who copy it. */
export function callerFiles(): Record<string, () => string> {
  const targets = guessTargets(undefined, { production: undefined, staging: undefined });
  const backups = targets.filter(({ name }) => name === 'production');
  const facts = { branches: ['main'], config: 'sluice.yml', targets, backups };
  const callers: readonly Caller[] = ['ci', 'deploy', 'rollback', 'backup', 'cdn'];
  const own = callers.filter((caller) => caller !== 'ci');
  return {
    ...Object.fromEntries(
      callers.map((caller) => [`workflows/${caller}.yml`, () => renderCaller(caller, facts)]),
    ),
    ...Object.fromEntries(
      own.map((caller) => [
        `workflows/own-jobs/${caller}.yml`,
        () => renderCaller(caller, { ...facts, ownJobs: true }),
      ]),
    ),
  };
}
