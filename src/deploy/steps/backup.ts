import { UserError } from '../../kernel/errors.ts';
import { formatBytes } from '../../kernel/figures.ts';
import type { DeployRun } from '../context.ts';
import { findDatabase } from '../database/engines.ts';
import { proofLine } from '../database/record.ts';
import { backupName, pruneBackups, saveRecord } from '../database/store.ts';
import type { Step } from '../transaction.ts';

/** Backs up the database and proves the backup by a test restore, before anything is changed. */
export const backup: Step = {
  name: 'backup',
  skip: (run) => (isWanted(run) ? undefined : 'no backup configured'),
  async apply(run, note) {
    const { config, primary, effects } = run;
    if (config.backup === undefined) return undefined;
    const { host, layout, plan } = primary;
    const database = await findDatabase(host, config);
    const how = { signal: run.signal, timeoutMs: config.backup.timeoutMs, now: effects.clock.now };
    const about = {
      name: backupName(effects.clock.now(), `before-${plan.release}`),
      app: config.app,
      target: run.target.name,
      release: primary.state.current,
      deploy: run.deploy,
      reason: 'deploy' as const,
    };
    note('dumping');
    const made = await database.engine.dump(host, layout.backups, database, about, how);
    await saveRecord(host, layout.backups, made);
    const prune = () =>
      pruneBackups(host, layout, config.backup?.keep ?? 14, made.name, (text) => effects.log.warn(text));
    if (!config.backup.restoreTest) {
      run.recorder.facts.backup = made;
      await prune();
      return `${formatBytes(made.bytes)}, restore not tested`;
    }
    note(`${formatBytes(made.bytes)} dumped, running the test restore`);
    const restoreTest = await database.engine.prove(host, layout.backups, made, database.imageId, how);
    await saveRecord(host, layout.backups, { ...made, restoreTest });
    run.recorder.facts.backup = { ...made, restoreTest };
    await prune();
    if (!restoreTest.ok) {
      throw new UserError({
        code: 'backup.not-restorable',
        message: `${host.name}: backup ${made.name} failed its test restore: the restored database differs from the dumped one`,
        hint: 'Nothing was changed. Fix the difference below. Deploy with --no-backup only if you have another backup.',
        output: restoreTest.detail ?? '',
      });
    }
    return `${formatBytes(made.bytes)}, ${proofLine(restoreTest)}`;
  },
};

function isWanted(run: DeployRun): boolean {
  return run.options.backup && run.config.backup !== undefined && run.command === 'deploy';
}
