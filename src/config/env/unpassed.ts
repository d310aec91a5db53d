import type { WrittenCompose } from '../compose/written.ts';
import type { Env } from '../model.ts';
import { reservedGroup } from '../secrets/reserved.ts';
import { isSecretKey, isShowable } from '../secrets/secret-names.ts';
import { textsIn, usesIn } from './interpolate.ts';

/**
 * Variables that every shell sets: what they are here is this machine's, so a default in the compose file is what was
 * meant. Those of a CI run (`CI`, `GITHUB_SHA`, `CI_COMMIT_TAG`) are not among them: the author of
 * `${GITHUB_SHA:-latest}` expects the commit.
 */
const ofTheShell =
  /^(?:HOME|PATH|USER|LOGNAME|USERNAME|PWD|OLDPWD|SHELL|SHLVL|TERM|TERM_PROGRAM|COLORTERM|LANG|LANGUAGE|LC_\w+|TZ|TMPDIR|TEMP|TMP|HOSTNAME|HOST|UID|EUID|GID|EDITOR|VISUAL|PAGER|MAIL|DISPLAY|WAYLAND_DISPLAY|XDG_\w+|SSH_\w+|DBUS_\w+|_)$/;

/**
 * One warning for each variable that the compose files use, that is set where Sluice runs, and that the target does not
 * pass: the compose files use their default, which is rarely intended.
 *
 * @param services those that the model has; others are behind a profile.
 * @param values the target's variables.
 * @param own Sluice's own environment. No value of it is shown.
 */
export function unpassedVariables(
  { files, envFile }: WrittenCompose,
  services: readonly string[],
  values: Env,
  own: Readonly<Record<string, string | undefined>>,
  target: string,
): string[] {
  const defaults = new Map<string, Set<string>>();
  for (const { data } of files) {
    const all = servicesIn(data);
    for (const { user, text } of textsIn(data)) {
      if (all.has(user) && !services.includes(user)) continue;
      for (const { name, fallback } of usesIn(text)) {
        if (fallback === undefined && !envFile.has(name)) continue;
        defaults.set(name, (defaults.get(name) ?? new Set()).add(fallback ?? ''));
      }
    }
  }
  return [...defaults]
    .filter(([name]) => Boolean(own[name]) && values[name] === undefined && !ofTheShell.test(name))
    .map(([name, fallbacks]) => {
      const instead = envFile.has(name) ? 'the value in .env' : defaultText(name, [...fallbacks]);
      const group = reservedGroup(name);
      if (group !== undefined && group.allowed !== 'everywhere')
        return `${name} is set here but reserved (${group.are}), so ${target} does not get it; ${instead} is used`;
      return `${name} is set here, but targets.${target}.env does not pass it; ${instead} is used`;
    });
}

function servicesIn(data: unknown): ReadonlySet<string> {
  const services = (data as { services?: unknown } | null | undefined)?.services;
  return new Set(services !== null && typeof services === 'object' ? Object.keys(services) : []);
}

function defaultText(name: string, fallbacks: readonly string[]): string {
  const [only = ''] = fallbacks;
  const isPlain = fallbacks.length === 1 && isShowable(only) && !isSecretKey(name);
  return isPlain ? `the compose file’s default ${only}` : 'the compose file’s default';
}
