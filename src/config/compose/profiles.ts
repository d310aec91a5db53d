import { UserError } from '../../kernel/errors.ts';
import type { Env } from '../model.ts';
import type { ComposeCli } from './cli.ts';

/**
 * No service is left: an app that deploys nothing is a mistake, never a success.
 *
 * @returns `compose.profiles` where profiles hide the services, else `compose.invalid`.
 */
export async function withoutServices(
  cli: ComposeCli,
  more: readonly string[],
  env: Env,
): Promise<UserError> {
  const all = await cli.run(['--profile', '*', 'config', '--format', 'json'], more);
  const services = Object.entries(all.code === 0 ? servicesIn(all.stdout) : {});
  const profiles = [...new Set(services.flatMap(([, service]) => service.profiles ?? []))].sort();
  if (profiles.length === 0) {
    return new UserError({
      code: 'compose.invalid',
      message: 'The compose files have no services',
      hint: 'Set `compose:` in sluice.yml to the compose files of the app.',
    });
  }
  const list = services
    .map(([name, service]) => `${name} (${(service.profiles ?? []).join(', ')})`)
    .join(', ');
  const chosen =
    env['COMPOSE_PROFILES'] === undefined
      ? 'no profile is active'
      : 'COMPOSE_PROFILES of the target activates none of them';
  return new UserError({
    code: 'compose.profiles',
    message: `Nothing to deploy: all services are behind profiles, and ${chosen}: ${list}`,
    hint: `Set COMPOSE_PROFILES in the target’s variables${suggestion(profiles)}.`,
  });
}

/** One of many is a guess, unless its name says that it is the usual one. */
function suggestion(profiles: readonly string[]): string {
  const usual = profiles.find((name) => /^(?:default|prod|production|all|full)$/.test(name));
  if (usual !== undefined) return `, such as COMPOSE_PROFILES=${usual}`;
  return profiles.length > 3 ? '' : `, such as COMPOSE_PROFILES=${profiles.join(',')}`;
}

function servicesIn(text: string): Record<string, { profiles?: string[] }> {
  try {
    return (JSON.parse(text) as { services?: Record<string, { profiles?: string[] }> }).services ?? {};
  } catch {
    return {};
  }
}
