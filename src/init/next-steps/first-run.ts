/** What the checks of the first CI run say, as far as `sluice init` has run them. */
export interface FirstRun {
  /** Checks that ran. */
  readonly ran: readonly string[];
  /** Those that fail, with the rules and how often: `compose/healthcheck (2)`. */
  readonly failing: readonly { readonly check: string; readonly rules: readonly string[] }[];
  /** Findings that block, over all of them. */
  readonly findings: number;
  /** Checks that did not run: their tools are not here, or were not asked for. */
  readonly waiting: readonly string[];
}
