import { isTrial, type TargetGuess, tagTargets } from './guess-targets.ts';
import type { Caller, CallerFacts } from './render-callers.ts';
import { checkout, ownAction, reusable } from './toolkit.ts';
import { enumerate, list, scalar } from './words.ts';

/**
 * Workflows for targets with names or secrets of their own: the reusable workflows take `PROD_…` and `STAGING_…` only. Each
 * target has a job, so that none ever sees the secrets of another, and a GitHub environment of its name.
 */
export function renderJobs(caller: Exclude<Caller, 'ci'>, facts: CallerFacts, config: string): string {
  const forms = { deploy, rollback, backup, cdn };
  return `${forms[caller](facts, config).join('\n')}\n`;
}

const pin = '# zizmor: ignore[unpinned-uses] v1 brings fixes; a commit instead never changes';

function deploy({ targets, hasRegistryLogin = false }: CallerFacts, config: string): string[] {
  const tagged = tagTargets(targets);
  const names = enumerate(tagged.map(({ name }) => name));
  return [
    tagged.length === 0
      ? '# Manual runs deploy to the chosen target. A version tag deploys nothing: no target is known to be its place.'
      : `# A version tag (v1.2.3) goes to ${names}; manual runs deploy to the chosen target.`,
    'name: Sluice deploy',
    '',
    'on:',
    ...(tagged.length === 0 ? [] : ['  push:', '    tags: ["v*.*.*"]']),
    ...dispatch(targets),
    ...head('sluice-deploy-${{ github.ref }}', ' # a deploy that has begun comes to its end'),
    'jobs:',
    '  build:',
    '    name: Build',
    ...runner(60),
    '    permissions:',
    '      contents: read # the sources',
    '      packages: write # pushes the images',
    '    outputs:',
    '      images: ${{ steps.build.outputs.images }}',
    '    steps:',
    ...checkoutStep,
    '      - id: build',
    `        uses: ${ownAction('build')} ${pin}`,
    '        with:',
    `          config: ${config}`,
    ...(hasRegistryLogin ? registryLogin : []),
    ...targets.flatMap((target) => [
      '',
      `  deploy-${target.name}:`,
      `    name: Deploy to ${target.name}`,
      '    needs: build',
      `    if: ${condition(target, tagged)}`,
      ...runner(60),
      '    permissions:',
      '      contents: read # sluice.yml and the compose files',
      '      packages: read # lets the servers pull the images',
      ...environment(target),
      '    steps:',
      ...checkoutStep,
      `      - uses: ${ownAction('deploy')} ${pin}`,
      '        with:',
      `          target: ${target.name}`,
      `          config: ${config}`,
      '          images: ${{ needs.build.outputs.images }}',
      ...(hasRegistryLogin ? registryLogin : []),
      ...login(target),
    ]),
  ];
}

function rollback({ targets }: CallerFacts, config: string): string[] {
  return [
    '# Goes back to a release that the servers still have, in seconds. Nothing is built, the database stays as it is.',
    'name: Sluice rollback',
    '',
    'on:',
    ...dispatch(targets),
    '      release:',
    '        description: Release to go back to, such as v1.2.2 (empty for the previous one)',
    '        type: string',
    '        default: ""',
    ...head('sluice-rollback-${{ inputs.target }}'),
    'jobs:',
    ...targets.flatMap((target, index) => [
      ...(index === 0 ? [] : ['']),
      `  rollback-${target.name}:`,
      `    name: Roll ${target.name} back`,
      `    if: inputs.target == '${target.name}'`,
      ...runner(30),
      '    permissions:',
      '      contents: read # sluice.yml and the compose files',
      ...environment(target),
      '    steps:',
      ...checkoutStep,
      `      - uses: ${ownAction('rollback')} ${pin}`,
      '        with:',
      `          target: ${target.name}`,
      `          config: ${config}`,
      '          release: ${{ inputs.release }}',
      ...login(target),
    ]),
  ];
}

function backup({ backups }: CallerFacts, config: string): string[] {
  return [
    `# A backup of the database of ${enumerate(backups.map(({ name }) => name))} each night, proven by a restore. It stays on the server: copy it elsewhere, too.`,
    'name: Sluice backup',
    '',
    'on:',
    '  schedule:',
    '    - cron: "17 3 * * *"',
    '  workflow_dispatch:',
    ...head('sluice-backup'),
    'jobs:',
    ...backups.flatMap((target, index) => [
      ...(index === 0 ? [] : ['']),
      `  backup-${target.name}:`,
      `    name: Back up ${target.name}`,
      // No `environment:`: its approvals would wait for a person each night.
      ...runner(60),
      '    permissions:',
      '      contents: read # sluice.yml and the compose files',
      '    steps:',
      ...checkoutStep,
      `      - uses: ${ownAction('backup')} ${pin}`,
      '        with:',
      `          target: ${target.name}`,
      `          config: ${config}`,
      ...login(target),
    ]),
  ];
}

/** The reusable workflow has one set of names for all targets but production; each job gives it those of its target. */
function cdn({ targets, front }: CallerFacts, config: string): string[] {
  const tagged = tagTargets(targets);
  const names = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'CLOUDFLARE_API_TOKEN'];
  return [
    tagged.length === 0
      ? '# Builds the front end and publishes it to the chosen target, or brings an earlier release back.'
      : `# Builds the front end and publishes it: a version tag (v1.2.3) goes to ${enumerate(tagged.map(({ name }) => name))}; manual runs publish to the chosen target, or go back.`,
    'name: Sluice CDN',
    '',
    'on:',
    ...(tagged.length === 0 ? [] : ['  push:', '    tags: ["v*.*.*"]']),
    ...dispatch(targets),
    '      command:',
    '        description: Publish this branch, or bring an earlier release back',
    '        type: choice',
    '        options: [publish, rollback]',
    '        default: publish',
    '      to:',
    '        description: Release to go back to, its number or name (empty for the previous one)',
    '        type: string',
    '        default: ""',
    ...head('sluice-cdn-${{ github.ref }}', ' # a publication that has begun comes to its end'),
    'jobs:',
    ...targets.flatMap((target, index) => {
      const theirs = target.name === 'production' ? 'PROD' : 'STAGING';
      return [
        ...(index === 0 ? [] : ['']),
        `  cdn-${target.name}:`,
        `    name: Publish to ${target.name}`,
        `    if: ${condition(target, tagged)}`,
        '    permissions:',
        '      contents: read # the sources',
        '      id-token: write # takes the role that cdn.role of sluice.yml names',
        `    uses: ${reusable('cdn.yml')} ${pin}`,
        '    with:',
        `      target: ${target.name}`,
        "      command: ${{ inputs.command || 'publish' }}",
        '      to: ${{ inputs.to }}',
        `      config: ${config}`,
        `      working-directory: ${front?.folder ?? '.'}`,
        `      build-command: ${scalar(front?.build ?? 'npm ci && npm run build')}`,
        '    secrets:',
        ...names.map((name) => `      ${theirs}_${name}: \${{ secrets.${target.prefix}_${name} }}`),
      ];
    }),
  ];
}

const registryLogin = [
  '          registry-user: ${{ vars.REGISTRY_USER }}',
  '          registry-password: ${{ secrets.REGISTRY_PASSWORD }}',
];

const checkoutStep = [`      - uses: ${checkout}`, '        with:', '          persist-credentials: false'];

function dispatch(targets: readonly TargetGuess[]): string[] {
  return [
    '  workflow_dispatch:',
    '    inputs:',
    '      target:',
    '        description: Target of sluice.yml',
    '        type: choice',
    `        options: ${list(targets.map(({ name }) => name))}`,
    `        default: ${scalar((targets.find(({ name }) => isTrial(name)) ?? targets[0])?.name ?? '')}`,
  ];
}

function head(group: string, why = ''): string[] {
  return [
    '',
    'permissions: {}',
    '',
    'concurrency:',
    `  group: ${group}`,
    `  cancel-in-progress: false${why}`,
    '',
  ];
}

function runner(minutes: number): string[] {
  return ['    runs-on: ubuntu-latest', `    timeout-minutes: ${minutes}`];
}

function environment({ name }: TargetGuess): string[] {
  return [
    '    environment:',
    `      name: ${scalar(name)}`,
    '    concurrency:',
    `      group: sluice-${name}`,
    '      cancel-in-progress: false',
  ];
}

/** A push is that of a tag: nothing else starts the workflow. */
function condition({ name }: TargetGuess, tagged: readonly TargetGuess[]): string {
  const isTagged = tagged.some((each) => each.name === name);
  return `${isTagged ? "github.event_name == 'push' || " : ''}inputs.target == '${name}'`;
}

/** The secrets of one target, by the names that sluice.yml has for them. */
function login({ prefix, envSecrets, variables }: TargetGuess): string[] {
  const env = [...new Set([...envSecrets, ...variables])];
  return [
    `          ssh-key: \${{ secrets.${prefix}_SSH_KEY }}`,
    `          known-hosts: \${{ secrets.${prefix}_KNOWN_HOSTS }}`,
    ...(env.length === 0
      ? []
      : ['        env:', ...env.map((name) => `          ${name}: \${{ secrets.${name} }}`)]),
  ];
}
