import type { Step } from '../transaction.ts';
import { backup } from './backup.ts';
import { confirm } from './confirm.ts';
import { data } from './data.ts';
import { health } from './health.ts';
import { jobs, lateJobs } from './jobs.ts';
import { migrate } from './migrate.ts';
import { prune } from './prune.ts';
import { retire } from './retire.ts';
import { start } from './start.ts';
import { switchStep } from './switch.ts';
import { transfer } from './transfer.ts';
import { watch } from './watch.ts';

/** The transaction, in its order: a failure anywhere here undoes what was begun. */
export const transactionSteps: readonly Step[] = [
  transfer,
  data,
  backup,
  migrate,
  jobs,
  start,
  health,
  lateJobs,
  switchStep,
  watch,
  confirm,
];

/** What follows when the new release is the persistent one: it only warns. */
export const afterConfirmSteps: readonly Step[] = [retire, prune];
