import type { Clock } from '../../kernel/clock.ts';
import { openRegistry } from './client.ts';
import { findLogin, type LoginEffects } from './logins.ts';
import type { Login, Registry } from './model.ts';

export interface RegistriesEffects extends LoginEffects {
  readonly clock: Clock;
  readonly fetch: typeof fetch;
  readonly tries?: number;
  readonly requestMs?: number;
}

/** Each registry by its name, opened once. @param logins those of the environment, over `docker login`. */
export function openRegistries(
  logins: ReadonlyMap<string, Login>,
  effects: RegistriesEffects,
): (host: string) => Registry {
  const open = new Map<string, Registry>();
  return (host) => {
    const registry =
      open.get(host) ?? openRegistry(host, { ...effects, login: (name) => findLogin(name, logins, effects) });
    open.set(host, registry);
    return registry;
  };
}
