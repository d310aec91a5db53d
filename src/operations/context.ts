import type { Effects } from '../kernel/run.ts';

/** Passed to every operation by its command or action. */
export interface OperationContext {
  readonly effects: Effects;
  /** Path of sluice.yml; undefined: searched from the working folder upwards. */
  readonly config: string | undefined;
  /** URL of a webhook to notify of deploys; takes precedence over the variable that `notify.slack` names. */
  readonly webhook?: string | undefined;
  /** Address of the target's only host; takes precedence over sluice.yml. */
  readonly server?: { readonly host: string | undefined; readonly user: string | undefined } | undefined;
}
