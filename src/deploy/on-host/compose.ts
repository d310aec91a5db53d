import type { ComposeModel } from '../../config/model.ts';
import { sameEngine } from '../../host/engine/docker-cli.ts';
import type { ExecOptions, Host } from '../../host/model.ts';
import { UserError } from '../../kernel/errors.ts';
import { pluginFolders } from '../../kernel/process/docker-plugin.ts';
import { tail } from '../../kernel/process/process.ts';
import type { HostRun } from '../context.ts';

export interface ComposeOptions extends Pick<ExecOptions, 'stdin'> {
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  readonly onLine?: (line: string) => void;
}

// Compose reads its environment: COMPOSE_REMOVE_ORPHANS removes the other color, COMPOSE_COMPATIBILITY renames containers,
// and a variable without a value in the compose file gets the deploy user's. So it gets only these variables, and no .env,
// which may hold the same ones. The plugin is called directly: the docker command starts it twice, once for its metadata.
const runCompose = `${sameEngine}
set -- --env-file /dev/null "$@"
quiet() {
  for name in DOCKER_CONFIG DOCKER_HOST DOCKER_CONTEXT DOCKER_TLS DOCKER_TLS_VERIFY DOCKER_CERT_PATH SLUICE_RUN; do
    eval "[ -z \\"\\\${$name-}\\" ] || set -- \\"$name=\\$$name\\" \\"\\$@\\""
  done
  exec env -i PATH="$PATH" HOME="$HOME" COMPOSE_IGNORE_ORPHANS=1 COMPOSE_REMOVE_ORPHANS=0 "$@"
}
for folder in "\${DOCKER_CONFIG:-$HOME/.docker}/cli-plugins" ${pluginFolders.join(' ')}; do
  [ ! -x "$folder/docker-compose" ] || quiet "$folder/docker-compose" "$@"
done
quiet docker compose "$@"
`;

/**
 * Runs `docker compose` on the host for a release's project. The other color's containers are orphans to Compose, so no
 * command here removes orphans.
 */
export async function compose(
  host: Pick<Host, 'exec'>,
  project: { readonly app: string; readonly file: string },
  args: readonly string[],
  options: ComposeOptions = {},
) {
  const { onLine, ...rest } = options;
  const command = ['sh', '-c', runCompose, 'compose', '-p', project.app, '-f', project.file];
  return await host.exec([...command, ...args] as [string, ...string[]], {
    what: `docker compose ${args[0] ?? ''}`.trim(),
    timeoutMs: 300_000,
    ...rest,
    ...(onLine === undefined ? {} : { onLine: (line) => onLine(line) }),
  });
}

/** The project of the release that is being deployed. */
export function projectOf(hostRun: HostRun): { app: string; file: string } {
  return {
    app: hostRun.plan.record.app,
    file: `${hostRun.layout.release(hostRun.plan.release)}/compose.json`,
  };
}

/**
 * Starts services of the release's project. The transaction orders dependencies.
 *
 * @throws UserError `compose.up-failed` with Compose's message.
 */
export async function composeUp(
  hostRun: HostRun,
  services: readonly string[],
  options: ComposeOptions & { readonly flags?: readonly string[] } = {},
): Promise<void> {
  if (services.length === 0) return;
  const { flags = [], ...rest } = options;
  const args = ['up', '--detach', '--no-deps', '--no-build', '--quiet-pull', ...flags, ...services];
  const result = await compose(hostRun.host, projectOf(hostRun), args, rest);
  if (result.code === 0) return;
  throw new UserError({
    code: 'compose.up-failed',
    message: `${hostRun.host.name}: docker compose cannot start ${services.join(', ')}`,
    hint: 'The last line below gives the reason.',
    output: tail(result.stderr, 8),
  });
}

/**
 * Validates the release's project with Compose on the host. An older version rejects newer keys, and without this check
 * only when the new containers start, after the backup and the migration.
 *
 * @throws UserError `preflight.compose-rejects` with Compose's message.
 */
export async function validateProject(
  host: Pick<Host, 'exec' | 'name'>,
  app: string,
  project: ComposeModel,
  options: ComposeOptions = {},
): Promise<void> {
  const result = await compose(host, { app, file: '-' }, ['config', '--quiet'], {
    ...options,
    stdin: JSON.stringify(project),
    timeoutMs: 60_000,
  });
  if (result.code === 0) return;
  throw new UserError({
    code: 'preflight.compose-rejects',
    message: `${host.name}: Docker Compose on the host rejects the project of this release`,
    hint: 'If the reason below is an unknown key, update docker-compose-plugin on the server, or remove the key.',
    output: tail(result.stderr || result.stdout, 8),
  });
}
