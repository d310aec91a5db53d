import { errorData, messageOf, type UserError } from '../../kernel/errors.ts';
import { errorSummary } from '../../report/markdown/error.ts';
import type { OpenJob } from './job.ts';

/** Errors as annotations, at their place if they have one, and as a summary unless the step has written one. */
export async function tellErrors(
  action: string,
  error: unknown,
  known: readonly UserError[],
  job: OpenJob,
): Promise<void> {
  if (known.length === 0) {
    const message = `This is a bug in Sluice, please report it: ${messageOf(error)}`;
    job.annotate({ level: 'error', title: `sluice ${action}`, message });
  }
  for (const { code, message, hint, at } of known) {
    job.annotate({
      level: 'error',
      title: `sluice ${action}: ${code}`,
      message: hint === undefined ? message : `${message}\n→ ${hint}`,
      ...at,
    });
  }
  if (await job.hasSummary()) return;
  const errors = known.length > 0 ? known.map(errorData) : [{ code: 'bug', message: messageOf(error) }];
  // Before the summary shortens or escapes them.
  const shown = job.effects.mask.scrubData(errors);
  await job.summarise((room) => errorSummary(`sluice ${action}`, shown, room));
}
