import type { Host } from '../host/model.ts';
import { UserError } from '../kernel/errors.ts';
import { tail } from '../kernel/process.ts';
import type { HostRun } from './context.ts';

export interface ComposeOptions {
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  readonly onLine?: (line: string) => void;
}

/**
 * `docker compose` on the host, over a release's project. Compose would call the other colour's containers orphans;
 * they are told apart by label, and nothing here removes what it does not name.
 */
export async function compose(
  host: Host,
  project: { readonly app: string; readonly file: string },
  args: readonly string[],
  options: ComposeOptions = {},
) {
  const { onLine, ...rest } = options;
  const command = [
    'env',
    'COMPOSE_IGNORE_ORPHANS=1',
    'docker',
    'compose',
    '-p',
    project.app,
    '-f',
    project.file,
  ];
  return await host.exec([...command, ...args] as [string, ...string[]], {
    timeoutMs: 300_000,
    ...rest,
    ...(onLine === undefined ? {} : { onLine: (line) => onLine(line) }),
  });
}

/** The project of the release that is being deployed. */
export function projectOf(each: HostRun): { app: string; file: string } {
  return { app: each.plan.record.app, file: `${each.layout.release(each.plan.release)}/compose.json` };
}

/**
 * Starts services of the release's project as they are defined there; dependencies are the transaction's business.
 *
 * @throws UserError `compose.up-failed` with Compose's own words.
 */
export async function composeUp(
  each: HostRun,
  services: readonly string[],
  options: ComposeOptions & { readonly flags?: readonly string[] } = {},
): Promise<void> {
  if (services.length === 0) return;
  const { flags = [], ...rest } = options;
  const args = ['up', '--detach', '--no-deps', '--no-build', '--quiet-pull', ...flags, ...services];
  const result = await compose(each.host, projectOf(each), args, rest);
  if (result.code === 0) return;
  throw new UserError({
    code: 'compose.up-failed',
    message: `${each.host.name}: docker compose cannot start ${services.join(', ')}`,
    hint: 'The last line below is Compose’s own reason.',
    output: tail(result.stderr, 8),
  });
}
