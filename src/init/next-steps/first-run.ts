/** The checks of the first CI run, as far as `sluice init` ran them. */
export interface FirstRun {
  /** Checks that ran. */
  readonly ran: readonly string[];
  /** Those that fail, with the rules and how often: `compose/healthcheck (2)`. */
  readonly failing: readonly { readonly check: string; readonly rules: readonly string[] }[];
  /** Findings that block, over all of them. */
  readonly findings: number;
  /** Checks that did not run: their tools are missing or were not requested. */
  readonly waiting: readonly string[];
}
