import { isTrial, type TargetGuess, tagTargets } from '../guess/targets.ts';

/** Env secrets that the reusable workflow passes to every target, and those that it passes to one. */
const plainEnv = 'ENV_FILE';
const earlierEnv: Readonly<Record<string, string>> = { production: 'PROD_ENV', staging: 'STAGING_ENV' };

/** Whether the reusable workflow has all variables that the targets read. */
export function knownEnvNames(targets: readonly TargetGuess[]): boolean {
  return targets.every((target) =>
    ownEnvNames(target).every(
      (name) =>
        name === plainEnv || (Object.hasOwn(earlierEnv, target.name) && earlierEnv[target.name] === name),
    ),
  );
}

/** Whether all targets read their variables from the same secrets, each from those of its own environment. */
export function sameEnvNames(targets: readonly TargetGuess[]): boolean {
  return targets.every((target) => ownEnvNames(target).every((name) => name === plainEnv));
}

/** Secrets with variables, of all these targets. */
export function envNames(targets: readonly TargetGuess[]): string[] {
  const names = [...new Set(targets.flatMap(ownEnvNames))];
  return names.length === 0 ? [plainEnv] : names;
}

/** Secrets with variables that one target reads, by the names that sluice.yml has for them. */
export function ownEnvNames({ envSecrets, variables }: TargetGuess): string[] {
  return [...new Set([...envSecrets, ...variables])];
}

/** The target of a run, as an expression. */
export function targetExpression(targets: readonly TargetGuess[]): string {
  const [tagged, ...others] = tagTargets(targets);
  if (tagged === undefined) return '${{ inputs.target }}';
  return others.length === 0 ? `\${{ inputs.target || '${tagged.name}' }}` : '${{ matrix.target }}';
}

/** The default of a manual run: a target that no customer uses. */
export function defaultTarget(targets: readonly TargetGuess[]): string {
  return (targets.find(({ name }) => isTrial(name)) ?? targets[0])?.name ?? '';
}

interface Placed {
  readonly config: string;
  readonly app?: string;
}

/** Several apps of one repository must not share the secrets of one environment: the app's name is a prefix. */
export function environmentPrefix({ config, app }: Placed): string {
  return config.includes('/') && app !== undefined ? `${app}-` : '';
}

/** Name of the GitHub environment of a target. */
export function environmentOf(target: string, place: Placed): string {
  return `${environmentPrefix(place)}${target}`;
}
