import type { Effects } from '../kernel/run.ts';

/** What every operation gets from the skin that calls it. */
export interface OperationContext {
  readonly effects: Effects;
  /** Path of sluice.yml; undefined: found from the working folder upwards. */
  readonly config: string | undefined;
  /** URL of a webhook that is told of deploys, in place of the variable that `notify.slack` names. */
  readonly webhook?: string | undefined;
  /** Where the target's only host is reached, in place of what sluice.yml says. */
  readonly server?: { readonly host: string | undefined; readonly user: string | undefined } | undefined;
}
