import { callerTemplates } from './caller-templates.ts';
import type { TargetGuess } from './guess-targets.ts';
import { renderJobs } from './render-jobs.ts';
import { reusable } from './toolkit.ts';
import { list, scalar } from './words.ts';

/** A workflow that calls one of Sluice’s. */
export type Caller = 'ci' | 'deploy' | 'rollback' | 'backup' | 'cdn';

export interface CallerFacts {
  /** Branches whose pushes are checked. */
  readonly branches: readonly string[];
  /** Path of sluice.yml from the top of the repository, which is `.`. */
  readonly config: string;
  readonly targets: readonly TargetGuess[];
  /** Targets whose database is backed up each night. */
  readonly backups: readonly TargetGuess[];
  /** Whether images are pushed to a registry that takes a user and a password. */
  readonly hasRegistryLogin?: boolean;
  /** Where and how the front end is built, from the top of the repository. */
  readonly front?: { readonly folder: string; readonly build: string };
}

/**
 * The text of a caller: what stands in workflows/, with the facts of this repository in it.
 *
 * @throws Error if the template has not the lines that the facts belong to: a bug of ours.
 */
export function renderCaller(caller: Caller, facts: CallerFacts): string {
  const config = scalar(literalExpression(facts.config));
  if (caller !== 'ci' && !isUsual(facts)) return renderJobs(caller, inWorkflow(facts), config);
  const template: string = callerTemplates[`${caller}.yml`];
  let text = template.replace(/uses: \S+/, () => `uses: ${reusable(`${caller}.yml`)}`);
  if (caller === 'ci')
    text = put(text, 'branches: [main]', `branches: ${list(facts.branches.map(literalPattern))}`);
  text = put(text, 'config: sluice.yml', `config: ${config}`);
  if (caller === 'deploy' && facts.hasRegistryLogin === true) {
    text = put(text, '# registry-user:', 'registry-user:');
    text = put(text, '# REGISTRY_PASSWORD:', 'REGISTRY_PASSWORD:');
  }
  if (caller === 'cdn' && facts.front !== undefined) {
    text = put(text, 'working-directory: .', `working-directory: ${placeOf(facts.front.folder)}`);
    text = put(text, 'npm ci && npm run build', facts.front.build);
  }
  const hasStaging = facts.targets.some(({ name }) => name === 'staging');
  if (hasStaging || caller === 'ci' || caller === 'backup') return text;
  text = put(text, 'options: [staging, production]', 'options: [production]');
  return text.replace('default: staging', 'default: production').replace(/^ *STAGING_.*\n/gm, '');
}

/** The reusable workflows know two targets, and one variable of each. */
function isUsual({ targets }: CallerFacts): boolean {
  const prefixes: Readonly<Record<string, string>> = { production: 'PROD', staging: 'STAGING' };
  return (
    targets.some(({ name }) => name === 'production') &&
    targets.every(({ name, prefix, envSecrets, variables }) => {
      const own = Object.hasOwn(prefixes, name) ? prefixes[name] : undefined;
      return own === prefix && [...envSecrets, ...variables].every((secret) => secret === `${own}_ENV`);
    })
  );
}

function inWorkflow(facts: CallerFacts): CallerFacts {
  const { front } = facts;
  return front === undefined ? facts : { ...facts, front: { ...front, folder: placeOf(front.folder) } };
}

function placeOf(folder: string): string {
  return folder === '.' ? folder : scalar(literalExpression(folder));
}

function put(text: string, before: string, after: string): string {
  if (text.split(before).length !== 2) throw new Error(`a template does not have "${before}" exactly once`);
  return text.replace(before, () => after);
}

/** `branches:` takes patterns; a backslash makes their characters mean themselves. */
function literalPattern(branch: string): string {
  return branch.replace(/[\\*?+[\]!]/g, '\\$&');
}

/** Below `with:` GitHub evaluates what stands in `${{ }}`, also when it is part of a folder’s name. */
function literalExpression(text: string): string {
  return text.replaceAll('${{', () => "${{ '${{' }}");
}
