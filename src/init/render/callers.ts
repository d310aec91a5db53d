import { type TargetGuess, tagTargets } from '../guess/targets.ts';
import { renderJobs } from './jobs.ts';
import { reusable } from './toolkit.ts';
import {
  backupOpening,
  backupStrategy,
  buildCommand,
  type CallerFacts,
  deployOpening,
  environmentPrefix,
  envNames,
  head,
  knownEnvNames,
  literal,
  purposeOf,
  rollbackOpening,
  strategy,
  targetExpression,
  triggers,
} from './workflow-parts.ts';
import { list } from './yaml.ts';

/** A workflow that calls one of Sluice’s. */
export type Caller = 'ci' | 'deploy' | 'rollback' | 'backup' | 'cdn';

/** The text of a workflow: that of workflows/, with the facts of this repository. */
export function renderCaller(caller: Caller, facts: CallerFacts): string {
  if (caller !== 'ci' && (facts.ownJobs === true || needsJobs(caller, facts.targets)))
    return renderJobs(caller, facts);
  const forms = { ci, deploy, rollback, backup, cdn };
  return `${forms[caller](facts).join('\n')}\n`;
}

/** One call cannot pass variables of other names, or publish one tag to several sites. */
function needsJobs(caller: Caller, targets: readonly TargetGuess[]): boolean {
  return caller === 'deploy' ? !knownEnvNames(targets) : caller === 'cdn' && tagTargets(targets).length > 1;
}

function ci({ branches, config }: CallerFacts): string[] {
  return [
    '# Checks each change and builds its images without pushing them. Require its check "CI / Gate" before a merge.',
    'name: Sluice CI',
    'on:',
    '  push:',
    `    branches: ${list(branches.map(literalPattern))}`,
    '  pull_request:',
    ...head('sluice-ci-${{ github.ref }}', `"\${{ github.event_name == 'pull_request' }}"`),
    'jobs:',
    '  ci:',
    '    name: CI',
    '    permissions: { contents: read, packages: read } # the sources; images and build cache of earlier runs',
    `    uses: ${reusable('ci.yml')}`,
    '    with:',
    `      config: ${literal(config)}`,
  ];
}

function deploy(facts: CallerFacts): string[] {
  const { targets, config, hasRegistryLogin = false } = facts;
  return [
    ...deployOpening(targets),
    '  deploy:',
    ...strategy(targets),
    '    permissions: { contents: read, packages: write } # the sources; pushes the images',
    `    uses: ${reusable('deploy.yml')}`,
    '    with:',
    `      target: ${targetExpression(targets)}`,
    ...environmentLine(facts, targetExpression(targets)),
    `      config: ${literal(config)}`,
    ...(hasRegistryLogin ? ['      registry-user: ${{ vars.REGISTRY_USER }}'] : []),
    '    secrets: # from the environment named after the target',
    ...secrets([
      ...['SSH_KEY', 'KNOWN_HOSTS', ...envNames(targets)],
      ...(hasRegistryLogin ? ['REGISTRY_PASSWORD'] : []),
      'SLACK_WEBHOOK_URL',
    ]),
  ];
}

function rollback(facts: CallerFacts): string[] {
  const { targets, config } = facts;
  return [
    ...rollbackOpening(targets),
    '  rollback:',
    '    permissions: { contents: read } # sluice.yml and the compose files',
    `    uses: ${reusable('rollback.yml')}`,
    '    with:',
    '      target: ${{ inputs.target }}',
    '      release: ${{ inputs.release }}',
    ...environmentLine(facts, '${{ inputs.target }}'),
    `      config: ${literal(config)}`,
    '    secrets: # from the environment named after the target',
    ...secrets(['SSH_KEY', 'KNOWN_HOSTS', 'SLACK_WEBHOOK_URL']),
  ];
}

function backup(facts: CallerFacts): string[] {
  const prefix = environmentPrefix(facts);
  return [
    ...backupOpening,
    '  backup:',
    backupStrategy(facts),
    '    permissions: { contents: read } # sluice.yml and the compose files',
    `    uses: ${reusable('backup.yml')}`,
    '    with:',
    '      target: ${{ matrix.target }}',
    ...(prefix === '' ? [] : [`      environment: ${prefix}\${{ matrix.target }}-backup`]),
    `      config: ${literal(facts.config)}`,
    '    secrets: # from the environment named after the target, with -backup appended',
    ...secrets(['SSH_KEY', 'KNOWN_HOSTS']),
  ];
}

function cdn(facts: CallerFacts): string[] {
  const { targets, config, front } = facts;
  return [
    `name: Sluice CDN # ${purposeOf(targets, 'publishes', 'a manual run publishes or restores')}`,
    ...triggers(targets),
    '      command: { type: choice, options: [publish, rollback], default: publish }',
    '      to: { type: string, default: "", description: "Release to restore, number or name (empty: the previous one)" }',
    ...head('sluice-cdn-${{ github.ref }}'),
    'jobs:',
    '  cdn:',
    '    permissions: { contents: read, id-token: write } # the sources; assumes the role of cdn.role',
    `    uses: ${reusable('cdn.yml')}`,
    '    with:',
    `      target: ${targetExpression(targets)}`,
    ...environmentLine(facts, targetExpression(targets)),
    "      command: ${{ inputs.command || 'publish' }}",
    '      to: ${{ inputs.to }}',
    `      config: ${literal(config)}`,
    `      build-command: ${buildCommand(front)}`,
    '    secrets: # from the environment named after the target',
    ...secrets(['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'CLOUDFLARE_API_TOKEN']),
  ];
}

function environmentLine(facts: CallerFacts, target: string): string[] {
  const prefix = environmentPrefix(facts);
  return prefix === '' ? [] : [`      environment: ${prefix}${target}`];
}

/** By name: `secrets: inherit` passes every secret of the repository. */
function secrets(names: readonly string[]): string[] {
  return names.map((name) => `      ${name}: \${{ secrets.${name} }}`);
}

/** `branches:` takes patterns; a backslash makes their characters mean themselves. */
function literalPattern(branch: string): string {
  return branch.replace(/[\\*?+[\]!]/g, '\\$&');
}
