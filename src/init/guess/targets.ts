import type { Config, Target } from '../../config/model.ts';
import { UserError } from '../../kernel/errors.ts';
import { entryOf, sectionOf, splitEntries } from '../render/yaml.ts';

export interface TargetWishes {
  /** `deploy@prod-1.example.com`; undefined: not known. */
  readonly production: string | undefined;
  /** `false`: no staging target. */
  readonly staging: string | false | undefined;
  /** `--target NAME=user@host` */
  readonly others?: readonly { readonly name: string; readonly host: string }[];
}

export interface TargetGuess {
  readonly name: string;
  /** Prefix of its env secret where no GitHub environment separates the targets: `PROD`, `EU_1`. */
  readonly prefix: string;
  /** `user@host[:port]` of its first host. */
  readonly host: string;
  /** The host is a placeholder that the user has to replace. */
  readonly isOpen: boolean;
  readonly requireTag: boolean;
  /** Secrets with the text of a whole env file. */
  readonly envSecrets: readonly string[];
  /** Single variables that Sluice's own environment must have. */
  readonly variables: readonly string[];
  /** Its lines in the existing sluice.yml, which are kept. */
  readonly section: string | undefined;
}

/** Usual names of targets that no customer uses. */
const trials =
  /^(?:stag(?:e|ing)?|dev(?:el(?:opment)?)?|tests?(?:ing)?|qa|uat|int(?:egration)?|preview|review|sandbox|demo|pre-?prod(?:uction)?|beta|canary)(?:$|[-_\d])/i;

/**
 * The targets of the existing sluice.yml and of the command line. If both have none: staging and production.
 *
 * @param onGitHub whether each target has a GitHub environment for its secrets, so that they need no prefix.
 * @throws UserError `usage.argument` for a new server of a target with several.
 */
export function guessTargets(
  present: Config | undefined,
  wishes: TargetWishes,
  presentText?: string,
  onGitHub = true,
): TargetGuess[] {
  const wished = new Map<string, string>(wishes.others?.map(({ name, host }) => [name, host]));
  if (wishes.production !== undefined) wished.set('production', wishes.production);
  if (typeof wishes.staging === 'string') wished.set('staging', wishes.staging);
  const known = Object.keys(present?.targets ?? {});
  const isFirst = known.length === 0 && (wishes.others ?? []).length === 0;
  const names = [
    ...new Set([...(isFirst ? ['staging', 'production'] : []), ...known, ...wished.keys()]),
  ].filter((name) => name !== 'staging' || wishes.staging !== false);
  const prefixes = prefixesOf(names, present);
  const sections = splitEntries(sectionOf(presentText ?? '', 'targets') ?? '');
  return names.map((name) => {
    const target = targetIn(present, name);
    const prefix = prefixes.get(name) ?? 'PROD';
    const open = `deploy@${name.toLowerCase().replaceAll('_', '-')}.example.com`;
    const old = target?.hosts[0]?.name;
    const host = wished.get(name) ?? old ?? open;
    return {
      ...{ name, prefix, host, isOpen: host === open },
      // Where there is nothing to try a commit on, a manual run has to reach production.
      requireTag: target?.requireTag ?? (!isTrial(name) && names.some(isTrial)),
      envSecrets: target === undefined ? [onGitHub ? 'ENV_FILE' : `${prefix}_ENV`] : envSecretsOf(target),
      variables: (target?.env ?? []).flatMap((source) => (source.kind === 'variables' ? source.names : [])),
      section:
        target === undefined
          ? undefined
          : withHost(sections.get(name) ?? entryOf(presentText ?? '', 'targets', name), target, host),
    };
  });
}

export function isTrial(name: string): boolean {
  return trials.test(name);
}

/** Targets that a version tag deploys to; empty: the user has to decide. */
export function tagTargets<T extends Pick<TargetGuess, 'name' | 'requireTag'>>(targets: readonly T[]): T[] {
  const tagged = targets.filter(({ requireTag }) => requireTag);
  if (tagged.length > 0) return tagged;
  const main = targets.filter(({ name }) => /^(?:prod(?:uction)?|live|main)$/i.test(name));
  if (main.length > 0) return main;
  const real = realTargets(targets);
  return real.length === 1 ? real : [];
}

/** Those with data that matters: all but trials, or all where there are no others. */
export function realTargets<T extends Pick<TargetGuess, 'name'>>(targets: readonly T[]): T[] {
  const real = targets.filter(({ name }) => !isTrial(name));
  return real.length === 0 ? [...targets] : real;
}

function targetIn(present: Config | undefined, name: string): Target | undefined {
  return present !== undefined && Object.hasOwn(present.targets, name) ? present.targets[name] : undefined;
}

function envSecretsOf({ env }: Target): string[] {
  return env.flatMap((source) => (source.kind === 'secret-file' ? [source.variable] : []));
}

/** By the secret that the target reads already, else by its name; no two have the same. */
function prefixesOf(names: readonly string[], present: Config | undefined): Map<string, string> {
  const taken = new Map<string, string>();
  const isFree = (prefix: string) => ![...taken.values()].includes(prefix);
  const plain = (name: string) => {
    const upper = name.toUpperCase().replace(/[^A-Z0-9]+/g, '_');
    // GitHub keeps these names to itself: https://docs.github.com/en/actions/reference/security/secrets#naming-your-secrets
    return upper.startsWith('GITHUB') ? `T_${upper}` : upper;
  };
  for (const name of names) {
    const target = targetIn(present, name);
    const said =
      target === undefined
        ? []
        : envSecretsOf(target).map((secret) => /^([A-Z][A-Z0-9_]*)_ENV$/.exec(secret)?.[1]);
    const [prefix] = said.filter(
      (candidate): candidate is string =>
        candidate !== undefined && !candidate.startsWith('GITHUB_') && isFree(candidate),
    );
    if (prefix !== undefined) taken.set(name, prefix);
  }
  for (const name of names.filter((candidate) => !taken.has(candidate))) {
    const short =
      name === 'production' && !names.some((other) => other !== name && plain(other) === 'PROD')
        ? ['PROD']
        : [];
    const numbered = Array.from({ length: names.length + 1 }, (_, index) => `${plain(name)}_${index + 2}`);
    const prefix = [...short, plain(name), ...numbered].find(isFree);
    if (prefix !== undefined) taken.set(name, prefix);
  }
  return taken;
}

function withHost(section: string | undefined, target: Target, host: string): string | undefined {
  const old = target.hosts[0]?.name;
  if (old === undefined || old === host) return section;
  if (target.hosts.length > 1) {
    throw new UserError({
      code: 'usage.argument',
      message: `Cannot set one server for target ${target.name}: it has ${target.hosts.length} hosts in sluice.yml`,
      hint: `Edit targets.${target.name}.hosts in sluice.yml.`,
    });
  }
  const hosts = section?.search(/\bhosts\b/) ?? -1;
  const at = section?.indexOf(old, hosts) ?? -1;
  const after = section?.slice(at + old.length) ?? '';
  // `host` is not `host:2222`, and an address can be written in another way: init then leaves it to the user.
  if (section === undefined || hosts < 0 || at < 0 || /^[\w:.-]/.test(after)) return undefined;
  return `${section.slice(0, at)}${host}${after}`.replace(/^ *# CHANGE THIS: .*\n/m, '');
}
