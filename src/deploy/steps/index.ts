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

/** The transaction, in its order: a failure in any of these steps undoes all of them. */
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

/** Steps after the confirmation: the new release stays, so their failures are warnings. */
export const afterConfirmSteps: readonly Step[] = [retire, prune];
