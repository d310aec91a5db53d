import type { Config } from '../../config/model.ts';
import { UserError } from '../../kernel/errors.ts';
import { keysIn } from '../../kernel/masking/keys.ts';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Checks run the code of the change as the same user: that code can read all credentials of this job. Only on GitHub, where
 * anyone may propose a change, not on a developer's own machine.
 *
 * @throws UserError `input.keys-beside-checks`.
 */
export function refuseBesideChecks(env: Env, config: Config | undefined): void {
  if (env['GITHUB_ACTIONS'] !== 'true') return;
  const secrets = Object.values(config?.targets ?? {}).flatMap((target) =>
    target.env.flatMap((source) =>
      source.kind === 'secret-file' && env[source.variable] ? [source.variable] : [],
    ),
  );
  const names = [...new Set([...keysIn(env), ...secrets])];
  if (names.length > 0) throw besideChecks(`this step also has ${names.join(', ')}`);
}

/** @param why the credentials: "this step also has ssh-key". */
export function besideChecks(why: string): UserError {
  return new UserError({
    code: 'input.keys-beside-checks',
    message: `Checks run the code of the change, and ${why}. That code could read them, so no check was run.`,
    hint: 'Run the checks in a separate job without secrets, and deploy in another one. `sluice init` writes both (ci.yml, deploy.yml).',
  });
}
