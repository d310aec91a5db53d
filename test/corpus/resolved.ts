import type { ComposeService, ServicePlan } from '../../src/config/model.ts';

/** What `sluice init` wrote, as far as it is compared. */
export interface WrittenConfig {
  readonly compose: readonly string[];
  readonly migrate: { readonly service: string; readonly command: string } | undefined;
  readonly backup: string | undefined;
}

/** What a deploy would start, without any server: made by resolve.ts in a process of its own. */
export interface Resolved {
  /** Of sluice.yml; the other fields are missing where the compose files cannot be read. */
  readonly config: WrittenConfig;
  readonly services: readonly Pick<
    ServicePlan,
    'name' | 'strategy' | 'reason' | 'ports' | 'health' | 'notes'
  >[];
  /** Errors that would end a plan. */
  readonly faults: readonly { readonly code: string; readonly message: string }[];
  /** Definitions in the compose files; their `$` are `$$`. */
  readonly before: Readonly<Record<string, ComposeService>>;
  /** The project that a host would get: `web-blue`, `web-edge`. Undefined after an error. */
  readonly after: Readonly<Record<string, ComposeService>> | undefined;
}

/** Where the files of a release would lie on a host. */
export const filesRoot = '/opt/sluice/app/files';
