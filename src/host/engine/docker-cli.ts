import type { ExecOptions, Host, ScriptResult } from '../model.ts';

/**
 * sh: makes the docker command, and Compose, use the engine that Sluice reaches over the connection (route.ts). A socket in
 * the deploy user's DOCKER_HOST is respected. Other variables for engine, context or platform could select another engine,
 * or images of another platform, so they apply only if there is no socket.
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
