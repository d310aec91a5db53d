import type { ExecOptions, Host, ScriptResult } from './model.ts';

/**
 * sh: the docker command, and Compose, use the engine that Sluice asks over the connection (engine-route.ts), in the same
 * order of sockets. What the deploy user's environment says of an engine, a context or a platform would lead them to
 * another one, or pull images of another one. Where there is no socket, the environment counts for both.
 */
export const sameEngine = `
case \${DOCKER_HOST-} in unix://*) sluice_own=\${DOCKER_HOST#unix://};; *) sluice_own=;; esac
for sluice_socket in /var/run/docker.sock "$sluice_own" "\${XDG_RUNTIME_DIR:-/run/user/$(id -u)}/docker.sock"; do
  [ -S "$sluice_socket" ] && [ -r "$sluice_socket" ] && [ -w "$sluice_socket" ] || continue
  DOCKER_HOST=unix://$sluice_socket; export DOCKER_HOST
  unset DOCKER_CONTEXT DOCKER_TLS DOCKER_TLS_VERIFY DOCKER_CERT_PATH
  break
done
unset DOCKER_DEFAULT_PLATFORM DOCKER_API_VERSION
`;

/** Runs the docker command on a host, see {@link sameEngine}. */
export async function docker(
  host: Pick<Host, 'exec'>,
  args: readonly string[],
  options: ExecOptions = {},
): Promise<ScriptResult> {
  const what = `docker ${args[0] ?? ''}`.trim();
  return await host.exec(['sh', '-c', `${sameEngine}exec docker "$@"`, 'docker', ...args], {
    what,
    ...options,
  });
}
