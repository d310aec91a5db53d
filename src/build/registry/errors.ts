import { messageOf, UserError } from '../../kernel/errors.ts';

/** 401, 403, and a token service that refuses a token. */
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
    ? 'Check that this user can push there, that the repository’s name is right, and that the password or token is still valid.'
    : 'Set SLUICE_REGISTRY_USER and SLUICE_REGISTRY_PASSWORD, or run `docker login` first.';
}

export function throttled(host: string, said: string | undefined): UserError {
  return new UserError({
    code: 'registry.throttled',
    message: `${host} rejects further requests for now (429)`,
    hint: 'Wait, then run the command again. With a login the limit is higher.',
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
  return unavailable(`The push to registry ${host} was interrupted`, said);
}

function unavailable(message: string, said?: string): UserError {
  return new UserError({
    code: 'registry.unavailable',
    message,
    hint: 'Run the command again when the registry responds. Built and pushed images are kept.',
    ...output(said),
  });
}

export function unexpected(host: string, why: string, said?: string): UserError {
  return new UserError({
    code: 'registry.protocol',
    message: `${host} does not respond like a registry: ${why}`,
    hint: 'Check the name. A proxy or a login page may respond instead of the registry.',
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

/** Node's error codes in words. */
const known: Readonly<Record<string, string>> = {
  ENOTFOUND: 'DNS lookup failed',
  EAI_AGAIN: 'DNS lookup failed',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was reset',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  UND_ERR_CONNECT_TIMEOUT: 'no connection in time',
};
