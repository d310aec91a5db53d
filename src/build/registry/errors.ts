import { messageOf, UserError } from '../../kernel/errors.ts';

/** 401 and 403, and a token service that gives none. */
export function denied(host: string, what: string, said: string | undefined, hadLogin: boolean): UserError {
  return new UserError({
    code: 'registry.denied',
    message: `${host} refuses access to ${repositoryIn(what)}${hadLogin ? '' : ', and there is no login for it'}`,
    hint: loginHint(host, hadLogin),
    ...output(said),
  });
}

function loginHint(host: string, hadLogin: boolean): string {
  if (host === 'ghcr.io') {
    return hadLogin
      ? 'The job needs `permissions: { packages: write }`, and the package must grant the repository write access (package settings, “Manage Actions access”).'
      : 'Pass GITHUB_TOKEN to Sluice with `env:`, and give the job `permissions: { packages: write }`.';
  }
  return hadLogin
    ? 'Does this user have the right to push there? Is the repository’s name right, and the password or token still valid?'
    : 'Set SLUICE_REGISTRY_USER and SLUICE_REGISTRY_PASSWORD, or run `docker login` first.';
}

export function throttled(host: string, said: string | undefined): UserError {
  return new UserError({
    code: 'registry.throttled',
    message: `${host} takes no more requests for now (429)`,
    hint: 'Wait and run again; a login has a higher limit than none.',
    ...output(said),
  });
}

/** 5xx. */
export function failing(host: string, status: number, said: string): UserError {
  return unavailable(`Registry ${host} fails with status ${status}`, said);
}

/** No answer, a connection that breaks. @param why `DNS lookup failed`, as the end of the sentence. */
export function unreachable(host: string, why: string): UserError {
  return unavailable(`Cannot reach registry ${host}: ${why}`);
}

/** A connection that broke partway. @param said output of docker. */
export function pushBroken(host: string, said: string): UserError {
  return unavailable(`The push to registry ${host} broke off`, said);
}

function unavailable(message: string, said?: string): UserError {
  return new UserError({
    code: 'registry.unavailable',
    message,
    hint: 'Run the command again when the registry answers. Nothing that was built or pushed is lost.',
    ...output(said),
  });
}

export function unexpected(host: string, why: string, said?: string): UserError {
  return new UserError({
    code: 'registry.protocol',
    message: `${host} does not answer as a registry does: ${why}`,
    hint: 'Is this the right name? Something between here and the registry (a proxy, a login page) may answer in its place.',
    ...output(said),
  });
}

/** Whether the same request may succeed in a moment. */
export function isPassing(error: unknown): boolean {
  return (
    error instanceof UserError &&
    (error.code === 'registry.throttled' || error.code === 'registry.unavailable')
  );
}

function repositoryIn(scope: string): string {
  return /^repository:(.+):[a-z,*]+$/.exec(scope)?.[1] ?? scope;
}

function output(said: string | undefined): { output?: string } {
  return said === undefined || said.trim() === '' ? {} : { output: said.trim().slice(0, 500) };
}

/** undici hides the reason in `cause`. */
export function reasonOf(error: unknown, requestMs: number): string {
  if (error instanceof Error && error.name === 'TimeoutError')
    return `no answer within ${requestMs / 1000} s`;
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const code = String((cause as { code?: unknown } | null)?.code);
  return known[code] ?? messageOf(cause);
}

/** What Node says with the name of a system call, in words. */
const known: Readonly<Record<string, string>> = {
  ENOTFOUND: 'DNS lookup failed',
  EAI_AGAIN: 'DNS lookup failed',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was reset',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  UND_ERR_CONNECT_TIMEOUT: 'no connection in time',
};
