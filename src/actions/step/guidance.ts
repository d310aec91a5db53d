import type { ErrorCode } from '../../kernel/catalogue.ts';
import { UserError, UserErrors, userErrorsOf } from '../../kernel/errors.ts';

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
      ...{ code, message, hint, cause },
      ...(at === undefined ? {} : { at }),
      ...(output === undefined ? {} : { output }),
    });
  });
  const [only, ...others] = errors;
  return only !== undefined && others.length === 0 ? only : new UserErrors(errors);
}
