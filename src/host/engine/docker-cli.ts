import type { ExecOptions, Host, ScriptResult } from '../model.ts';

/**
 * sh: the docker command, and Compose, use the engine that Sluice asks over the connection (engine-route.ts). A socket that
 * the deploy user's DOCKER_HOST names counts. Otherwise what the environment says of an engine, a context or a platform
 * would lead them to another one, or pull images of another one. Where there is no socket, the environment counts.
 */
export const sameEngine = `
case \${DOCKER_HOST-} in
unix://*) unset DOCKER_CONTEXT ;;
*)
  for sluice_socket in /var/run/docker.sock "\${XDG_RUNTIME_DIR:-/run/user/$(id -u)}/docker.sock"; do
    [ -S "$sluice_socket" ] && [ -r "$sluice_socket" ] && [ -w "$sluice_socket" ] || continue
    DOCKER_HOST=unix://$sluice_socket; export DOCKER_HOST
    unset DOCKER_CONTEXT DOCKER_TLS DOCKER_TLS_VERIFY DOCKER_CERT_PATH
    break
  done ;;
esac
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
