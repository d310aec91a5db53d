import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../kernel/errors.ts';
import { keysIn } from '../../kernel/masking/keys.ts';
import type { Effects } from '../../kernel/run.ts';
import { besideChecks } from '../../operations/checks/keys.ts';
import { changeOf, headOf } from './event.ts';

/** Inputs that give access to servers. */
const serverInputs = ['ssh-key', 'ssh-passphrase'] as const;
/** Allowed in builds of a change, where a Dockerfile runs in a container, but not beside checks. */
const registryInput = 'registry-password';

/** Where code of the change runs: in checks on the runner, in builds in containers, in deploys on servers. */
export type Work = 'checks' | 'builds' | 'deploys';

type Given = Readonly<Record<string, unknown>>;

/**
 * Keeps keys away from code of a change: no key in a step that checks, none after one in the same job, and no key of a
 * server or a store in a run for a change.
 *
 * @throws UserError `input.keys-beside-checks`, `input.keys-in-change`.
 */
export async function refuseKeys(given: Given, work: Work, effects: Effects): Promise<void> {
  const { env } = effects;
  const inputs = serverInputs.filter((name) => given[name] !== undefined);
  const registry = given[registryInput] === undefined ? [] : [registryInput];
  const variables = keysIn(env);
  const all = [...inputs, ...registry, ...variables];
  const marker = markerOf(env);
  const runsChecks = work === 'checks';
  if (runsChecks && all.length > 0) throw besideChecks(`this step also has ${all.join(', ')}`);
  if (runsChecks && marker !== undefined) writeFileSync(marker, '');
  if (!runsChecks && all.length > 0 && marker !== undefined && existsSync(marker)) {
    throw besideChecks(`an earlier step of this job ran checks, while this one has ${all.join(', ')}`);
  }
  // Keys of AWS may be for its registry, which a build of a change reads base images from.
  const ofRegistry = work === 'builds' ? /^(?:SLUICE_REGISTRY_PASSWORD$|AWS_)/ : /^SLUICE_REGISTRY_PASSWORD$/;
  const keys = [...inputs, ...variables.filter((name) => !ofRegistry.test(name))];
  if (keys.length === 0) return;
  const change = await changeOf(env, () => headOf(effects));
  if (change === undefined) return;
  throw new UserError({
    code: 'input.keys-in-change',
    message: `${change}, and this step has ${keys.join(', ')}. Unmerged code must not run beside a key. Nothing was run.`,
    hint: "Deploy from a branch or a tag: on push or workflow_dispatch, or with `if: github.event_name != 'pull_request'` on the job.",
  });
}

/** The runner empties this folder before and after each job, so a file in it is a note to later steps. */
function markerOf({ RUNNER_TEMP: temp }: Effects['env']): string | undefined {
  return temp ? join(temp, '.sluice-has-checked') : undefined;
}
