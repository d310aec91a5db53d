import type { Host } from '../host/model.ts';
import { pluginFolders } from '../kernel/docker-plugin.ts';
import { UserError } from '../kernel/errors.ts';
import { tail } from '../kernel/process.ts';
import type { HostRun } from './context.ts';

export interface ComposeOptions {
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  readonly onLine?: (line: string) => void;
}

// The plugin itself where it is found: the docker command would start it twice, once to ask what it is.
const runCompose = `
COMPOSE_IGNORE_ORPHANS=1; export COMPOSE_IGNORE_ORPHANS
for folder in "\${DOCKER_CONFIG:-$HOME/.docker}/cli-plugins" ${pluginFolders.join(' ')}; do
  [ ! -x "$folder/docker-compose" ] || exec "$folder/docker-compose" "$@"
done
exec docker compose "$@"
`;

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
  const command = ['sh', '-c', runCompose, 'compose', '-p', project.app, '-f', project.file];
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
