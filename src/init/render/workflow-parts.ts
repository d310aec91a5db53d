import { quoteWords } from '../../kernel/quote.ts';
import { isTrial, type TargetGuess, tagTargets } from '../guess/targets.ts';
import { enumerate } from './terminal.ts';
import { checkout } from './toolkit.ts';
import { list, scalar } from './yaml.ts';

export interface CallerFacts {
  readonly branches: readonly string[];
  readonly config: string;
  /** Name of the app: several apps of one repository have separate environments. */
  readonly app?: string;
  readonly targets: readonly TargetGuess[];
  readonly backups: readonly TargetGuess[];
  /** Whether images are pushed to a registry that needs a user and a password. */
  readonly hasRegistryLogin?: boolean;
  /** The folder of the front end, relative to the repository root, and its build command. */
  readonly front?: { readonly folder: string; readonly build: string };
  /** Call Sluice’s actions in the repository’s own jobs, not its reusable workflows. */
  readonly ownJobs?: boolean;
}

/** Triggers and effect: `A version tag (v1.2.3) deploys to production, a manual run deploys to the chosen target.` */
export function purposeOf(targets: readonly TargetGuess[], verb: string, manual: string): string {
  const names = tagTargets(targets).map(({ name }) => name);
  return names.length === 0
    ? `A version tag does nothing, because Sluice cannot tell its target. Instead, ${manual} to the chosen one.`
    : `A version tag (v1.2.3) ${verb} to ${enumerate(names)}, ${manual} to the chosen target.`;
}

/** By a version tag where a target takes those, and manually. */
export function triggers(targets: readonly TargetGuess[]): string[] {
  const push = tagTargets(targets).length === 0 ? [] : ['  push: { tags: ["v*.*.*"] }'];
  return ['on:', ...push, ...dispatch(targets, defaultTarget(targets))];
}

function dispatch(targets: readonly TargetGuess[], first: string): string[] {
  const options = list(targets.map(({ name }) => name));
  return [
    '  workflow_dispatch:',
    '    inputs:',
    `      target: { type: choice, options: ${options}, default: ${scalar(first)} }`,
  ];
}

export function head(group: string, cancels = 'false'): string[] {
  const quoted = group.includes('{') ? `"${group}"` : group;
  return ['permissions: {}', `concurrency: { group: ${quoted}, cancel-in-progress: ${cancels} }`];
}

/**
 * A tag of several targets deploys to one after the other, each only after the previous one succeeded.
 *
 * In double quotes: zizmor cannot parse an expression with doubled single quotes, and skips the file.
 */
export function strategy(targets: readonly TargetGuess[]): string[] {
  const names = tagTargets(targets).map(({ name }) => name);
  if (names.length < 2) return [];
  const chosen = `fromJSON(inputs.target && format('["{0}"]', inputs.target) || '${JSON.stringify(names)}')`;
  return [
    `    strategy: { max-parallel: 1, matrix: { target: "\${{ ${chosen.replaceAll('"', '\\"')} }}" } }`,
  ];
}

/** The command that builds the front end in its folder, as a value below `with:`. */
export function buildCommand(front: CallerFacts['front']): string {
  const build = front?.build ?? 'npm ci && npm run build';
  const folder = front?.folder ?? '.';
  return literal(
    folder === '.'
      ? build
      : `cd ${quoteWords([folder.startsWith('-') ? `./${folder}` : folder])} && ${build}`,
  );
}

/** A text below `with:`, where GitHub evaluates `${{ }}`, also when it is part of a folder’s name. */
export function literal(text: string): string {
  return scalar(text.replaceAll('${{', () => "${{ '${{' }}"));
}

/** The common part of both forms of a workflow, above their jobs: triggers, inputs and concurrency. */
export function deployOpening(targets: readonly TargetGuess[]): string[] {
  return [
    `# ${purposeOf(targets, 'deploys', 'a manual run deploys')}`,
    'name: Sluice deploy',
    ...triggers(targets),
    ...head('sluice-deploy-${{ github.ref }}'),
    'jobs:',
  ];
}

export function rollbackOpening(targets: readonly TargetGuess[]): string[] {
  const main = tagTargets(targets)[0] ?? targets[0];
  return [
    '# Restores a release that the servers still have, in seconds. It builds nothing and does not change the database.',
    'name: Sluice rollback',
    'on:',
    ...dispatch(targets, main?.name ?? ''),
    '      release: { type: string, default: "", description: "Release to restore, such as v1.2.2 (empty: the previous one)" }',
    ...head('sluice-rollback-${{ inputs.target }}'),
    'jobs:',
  ];
}

export const backupOpening = [
  '# Backs up the database each night, proven by a restore. The backup stays on the server: also copy it elsewhere.',
  'name: Sluice backup',
  'on:',
  '  schedule: [{ cron: "17 3 * * *" }]',
  '  workflow_dispatch:',
  ...head('sluice-backup'),
  'jobs:',
];

/** One job per target with a database, independent of the results of the others. */
export function backupStrategy({ backups }: CallerFacts): string {
  return `    strategy: { fail-fast: false, matrix: { target: ${list(backups.map(({ name }) => name))} } }`;
}

export interface JobFacts {
  readonly id: string;
  readonly name: string;
  readonly needs?: string;
  readonly condition?: string;
  readonly strategy?: readonly string[];
  readonly minutes: number;
  readonly rights: readonly string[];
  readonly target: string;
  readonly facts: CallerFacts;
  /** Of the concurrency group: publications do not wait for deploys. */
  readonly kind?: string;
  readonly steps: readonly string[];
}

/** A job that works on one target, in the environment of that target. */
export function job({ facts, target, kind = '', ...given }: JobFacts): string[] {
  const group = `sluice-${kind}${environmentOf(target, facts)}`;
  return [
    '',
    `  ${given.id}:`,
    `    name: ${given.name}`,
    ...(given.needs === undefined ? [] : [`    needs: ${given.needs}`]),
    ...(given.condition === undefined ? [] : [`    if: ${given.condition}`]),
    ...(given.strategy ?? []),
    ...runner(given.minutes),
    ...permissions(given.rights),
    `    environment: ${environmentOf(target, facts)}`,
    `    concurrency: { group: "${group}", cancel-in-progress: false }`,
    '    steps:',
    ...checkoutStep,
    ...given.steps,
  ];
}

export const checkoutStep = [`      - uses: ${checkout}`, '        with: { persist-credentials: false }'];

export function runner(minutes: number): string[] {
  return ['    runs-on: ubuntu-latest', `    timeout-minutes: ${minutes}`];
}

export function permissions(rights: readonly string[]): string[] {
  return ['    permissions:', ...rights.map((right) => `      ${right}`)];
}

/** Only pushes of tags start the workflow. */
export function conditionOf({ name }: TargetGuess, tagged: readonly string[]): string {
  return `${tagged.includes(name) ? "github.event_name == 'push' || " : ''}inputs.target == '${name}'`;
}

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

export function envNames(targets: readonly TargetGuess[]): string[] {
  const names = [...new Set(targets.flatMap(ownEnvNames))];
  return names.length === 0 ? [plainEnv] : names;
}

/** Secrets with variables that one target reads, by the names that sluice.yml has for them. */
export function ownEnvNames({ envSecrets, variables }: TargetGuess): string[] {
  return [...new Set([...envSecrets, ...variables])];
}

export function targetExpression(targets: readonly TargetGuess[]): string {
  const [tagged, ...others] = tagTargets(targets);
  if (tagged === undefined) return '${{ inputs.target }}';
  return others.length === 0 ? `\${{ inputs.target || '${tagged.name}' }}` : '${{ matrix.target }}';
}

/** The default of a manual run: a target that no customer uses. */
function defaultTarget(targets: readonly TargetGuess[]): string {
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

export function environmentOf(target: string, place: Placed): string {
  return `${environmentPrefix(place)}${target}`;
}
