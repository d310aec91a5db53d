import type { ErrorCode } from '../../kernel/catalogue.ts';
import { UserError, UserErrors, userErrorsOf } from '../../kernel/errors.ts';

/** How to mend in a workflow what the core explains for a terminal. */
const advice: Partial<Record<ErrorCode, string>> = {
  'config.missing':
    'In a workflow `actions/checkout` comes first; a sluice.yml that is not at the top is named by the input config.',
  'host.login-key-missing':
    'Give the step `ssh-key: ${{ secrets.SSH_KEY }}`, in a job whose `environment:` has that secret: GitHub hands over an empty text for a secret that the job has not. If the environment has it and a reusable workflow does not get it, write jobs of your own with `sluice init --own-jobs --force`.',
  'host.key-unknown':
    'Put the output of `ssh-keyscan HOST`, once you have compared it, into a secret: `known-hosts: ${{ secrets.KNOWN_HOSTS }}`.',
  'registry.denied':
    'For ghcr.io the job needs `permissions: { packages: write }` (read to deploy); elsewhere set registry-user and registry-password.',
  'cdn.dist': 'In a workflow the step that builds the front end comes before this one, in the same job.',
};

/** The error with what its hint does not say for a workflow. */
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
