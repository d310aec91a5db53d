import type { ErrorCode } from '../../kernel/catalogue.ts';
import { errorData, messageOf, UserError, UserErrors, userErrorsOf } from '../../kernel/errors.ts';
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

/** Fixes for a workflow, added to hints that are written for a terminal. */
const advice: Partial<Record<ErrorCode, string>> = {
  'config.missing':
    'In a workflow, run `actions/checkout` first. If sluice.yml is not at the top of the repository, set the input config.',
  'host.login-key-missing':
    'Give the step `ssh-key: ${{ secrets.SSH_KEY }}`, in a job whose `environment:` has that secret: GitHub passes an empty text for a secret that the job does not have. If the environment has it and a reusable workflow does not get it, write your own jobs with `sluice init --own-jobs --force`.',
  'host.key-unknown':
    'Compare the output of `ssh-keyscan HOST` with the server, then store it as a secret: `known-hosts: ${{ secrets.KNOWN_HOSTS }}`.',
  'registry.denied':
    'For ghcr.io, the job needs `permissions: { packages: write }` (read to deploy). For other registries, set registry-user and registry-password.',
  'cdn.dist': 'In a workflow, build the front end in an earlier step of the same job.',
};

/** The error with the hint for a workflow. */
export function advised(error: unknown): unknown {
  const known = userErrorsOf(error);
  if (!known.some(({ code }) => advice[code] !== undefined)) return error;
  const errors = known.map((userError) => {
    const more = advice[userError.code];
    if (more === undefined) return userError;
    const { code, message, at, output, cause } = userError;
    const hint = userError.hint === undefined ? more : `${userError.hint}\n${more}`;
    return new UserError({
      code,
      message,
      hint,
      cause,
      ...(at === undefined ? {} : { at }),
      ...(output === undefined ? {} : { output }),
    });
  });
  const [only, ...others] = errors;
  return only !== undefined && others.length === 0 ? only : new UserErrors(errors);
}
