import { quoteWords } from '../../kernel/quote.ts';
import { type TargetGuess, tagTargets } from '../guess/targets.ts';
import { enumerate, list, scalar } from './words.ts';
import { defaultTarget } from './workflow-targets.ts';

export interface CallerFacts {
  /** Branches whose pushes are checked. */
  readonly branches: readonly string[];
  /** Path of sluice.yml from the top of the repository, which is `.`. */
  readonly config: string;
  /** Name of the app: several apps of one repository have environments of their own. */
  readonly app?: string;
  readonly targets: readonly TargetGuess[];
  /** Targets whose database is backed up each night. */
  readonly backups: readonly TargetGuess[];
  /** Whether images are pushed to a registry that takes a user and a password. */
  readonly hasRegistryLogin?: boolean;
  /** Where and how the front end is built, from the top of the repository. */
  readonly front?: { readonly folder: string; readonly build: string };
  /** Call Sluice’s actions in jobs of the repository’s own, not its reusable workflows. */
  readonly ownJobs?: boolean;
}

/** When it runs, and what for: `A version tag (v1.2.3) deploys to production, a manual run deploys to the chosen target.` */
export function purposeOf(targets: readonly TargetGuess[], verb: string, manual: string): string {
  const names = tagTargets(targets).map(({ name }) => name);
  return names.length === 0
    ? `A version tag does nothing: Sluice cannot tell its target. Instead ${manual} to the chosen one.`
    : `A version tag (v1.2.3) ${verb} to ${enumerate(names)}, ${manual} to the chosen target.`;
}

/** By a version tag where a target takes those, and manually. */
export function triggers(targets: readonly TargetGuess[]): string[] {
  const push = tagTargets(targets).length === 0 ? [] : ['  push: { tags: ["v*.*.*"] }'];
  return ['on:', ...push, ...dispatch(targets, defaultTarget(targets))];
}

export function dispatch(targets: readonly TargetGuess[], first: string): string[] {
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
 * A tag that several targets take reaches one after the other: the next only when the one before serves it.
 *
 * In double quotes: of an expression with doubled single quotes zizmor says that it cannot parse it, and looks no further.
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

/** What both forms of a workflow have above their jobs: when it runs, what a manual run is asked, what must not overlap. */
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
    '# Restores a release that the servers still have, in seconds. It builds nothing and leaves the database as it is.',
    'name: Sluice rollback',
    'on:',
    ...dispatch(targets, main?.name ?? ''),
    '      release: { type: string, default: "", description: "Release to restore, such as v1.2.2 (empty: the previous one)" }',
    ...head('sluice-rollback-${{ inputs.target }}'),
    'jobs:',
  ];
}

export const backupOpening = [
  '# A backup of the database each night, proven by a restore. It stays on the server: copy it elsewhere, too.',
  'name: Sluice backup',
  'on:',
  '  schedule: [{ cron: "17 3 * * *" }]',
  '  workflow_dispatch:',
  ...head('sluice-backup'),
  'jobs:',
];

/** Each target with a database has a job of its own each night, whatever the others' come to. */
export function backupStrategy({ backups }: CallerFacts): string {
  return `    strategy: { fail-fast: false, matrix: { target: ${list(backups.map(({ name }) => name))} } }`;
}
