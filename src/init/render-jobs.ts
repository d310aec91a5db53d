import { type TargetGuess, tagTargets } from './guess-targets.ts';
import { checkout, downloadArtifact, ownAction, uploadArtifact } from './toolkit.ts';
import { list } from './words.ts';
import {
  buildCommand,
  type CallerFacts,
  dispatch,
  head,
  literal,
  purposeOf,
  strategy,
  triggers,
} from './workflow-parts.ts';
import { environmentOf, envNames, ownEnvNames, sameEnvNames, targetExpression } from './workflow-targets.ts';

/**
 * Workflows with jobs of the repository’s own, which call Sluice’s actions: for variables with names of their own, and for
 * an account where the secrets of an environment do not reach a reusable workflow of another repository.
 */
export function renderJobs(caller: 'deploy' | 'rollback' | 'backup' | 'cdn', facts: CallerFacts): string {
  const forms = { deploy, rollback, backup, cdn };
  return `${forms[caller](facts).join('\n')}\n`;
}

function deploy(facts: CallerFacts): string[] {
  const { targets, config, hasRegistryLogin = false } = facts;
  const step = (target: string, env: readonly string[]) => [
    `      - uses: ${ownAction('deploy')}`,
    '        with:',
    `          target: ${target}`,
    `          config: ${literal(config)}`,
    '          images: ${{ needs.build.outputs.images }}',
    ...(hasRegistryLogin ? registryLogin : []),
    ...login,
    '          slack-webhook-url: ${{ secrets.SLACK_WEBHOOK_URL }}',
    ...(env.length === 0
      ? []
      : ['        env:', ...env.map((name) => `          ${name}: \${{ secrets.${name} }}`)]),
  ];
  const rights = [
    'contents: read # sluice.yml and the compose files',
    'packages: read # lets the servers pull the images',
  ];
  const tagged = tagTargets(targets).map(({ name }) => name);
  return [
    `# ${purposeOf(targets, 'deploys', 'a manual run deploys')}`,
    'name: Sluice deploy',
    ...triggers(targets),
    ...head('sluice-deploy-${{ github.ref }}'),
    'jobs:',
    '  build:',
    '    name: Build',
    ...runner(60),
    ...permissions(['contents: read # the sources', 'packages: write # pushes the images']),
    '    outputs:',
    '      images: ${{ steps.build.outputs.images }}',
    '    steps:',
    ...checkoutStep,
    '      - id: build',
    `        uses: ${ownAction('build')}`,
    '        with:',
    `          config: ${literal(config)}`,
    ...(hasRegistryLogin ? registryLogin : []),
    // One job has the names of one target only, so where names differ each target has a job.
    ...(sameEnvNames(targets)
      ? job({
          ...{ id: 'deploy', name: 'Deploy', needs: 'build', minutes: 60, rights, facts },
          ...{ target: targetExpression(targets), strategy: strategy(targets) },
          steps: step(targetExpression(targets), envNames(targets)),
        })
      : targets.flatMap((target) =>
          job({
            ...{ id: `deploy-${target.name}`, name: `Deploy to ${target.name}`, needs: 'build', minutes: 60 },
            ...{ rights, facts, target: target.name, condition: conditionOf(target, tagged) },
            steps: step(target.name, ownEnvNames(target)),
          }),
        )),
  ];
}

function rollback(facts: CallerFacts): string[] {
  const { targets, config } = facts;
  const target = '${{ inputs.target }}';
  const main = tagTargets(targets)[0] ?? targets[0];
  return [
    '# Restores a release that the servers still have, in seconds. It builds nothing and leaves the database as it is.',
    'name: Sluice rollback',
    'on:',
    ...dispatch(targets, main?.name ?? ''),
    '      release: { type: string, default: "", description: "Release to restore, such as v1.2.2 (empty: the previous one)" }',
    ...head('sluice-rollback-${{ inputs.target }}'),
    'jobs:',
    ...job({
      ...{ id: 'rollback', name: 'Roll back', minutes: 30, facts, target },
      rights: ['contents: read # sluice.yml and the compose files'],
      steps: [
        `      - uses: ${ownAction('rollback')}`,
        '        with:',
        `          target: ${target}`,
        `          config: ${literal(config)}`,
        '          release: ${{ inputs.release }}',
        ...login,
        '          slack-webhook-url: ${{ secrets.SLACK_WEBHOOK_URL }}',
      ],
    }).slice(1),
  ];
}

function backup(facts: CallerFacts): string[] {
  const target = '${{ matrix.target }}';
  return [
    '# A backup of the database each night, proven by a restore. It stays on the server: copy it elsewhere, too.',
    'name: Sluice backup',
    'on:',
    '  schedule: [{ cron: "17 3 * * *" }]',
    '  workflow_dispatch:',
    ...head('sluice-backup'),
    'jobs:',
    '  backup:',
    '    name: Back up',
    `    strategy: { fail-fast: false, matrix: { target: ${list(facts.backups.map(({ name }) => name))} } }`,
    ...runner(60),
    ...permissions(['contents: read # sluice.yml and the compose files']),
    // The target's own environment may ask for approval, and nobody approves at night.
    `    environment: { name: "${environmentOf(target, facts)}-backup", deployment: false }`,
    '    steps:',
    ...checkoutStep,
    `      - uses: ${ownAction('backup')}`,
    '        with:',
    `          target: ${target}`,
    `          config: ${literal(facts.config)}`,
    ...login,
  ];
}

/** The build has a machine without keys; its folder reaches the other job as an artifact with a digest. */
function cdn(facts: CallerFacts): string[] {
  const { targets } = facts;
  const tagged = tagTargets(targets).map(({ name }) => name);
  return [
    `# ${purposeOf(targets, 'publishes', 'a manual run publishes or restores')}`,
    'name: Sluice CDN',
    ...triggers(targets),
    '      command: { type: choice, options: [publish, rollback], default: publish }',
    '      to: { type: string, default: "", description: "Release to restore, number or name (empty: the previous one)" }',
    ...head('sluice-cdn-${{ github.ref }}'),
    'jobs:',
    // The outputs of a matrix are those of its last leg, so several targets of one tag have jobs of their own.
    ...(tagged.length < 2
      ? publication(facts, { target: targetExpression(targets), suffix: '', wanted: '' })
      : targets.flatMap((target) =>
          publication(facts, {
            target: target.name,
            suffix: `-${target.name}`,
            wanted: ` && (${conditionOf(target, tagged)})`,
          }),
        )
    ).slice(1),
  ];
}

function publication(
  facts: CallerFacts,
  { target, suffix, wanted }: { readonly target: string; readonly suffix: string; readonly wanted: string },
): string[] {
  const { config, front } = facts;
  const build = `build${suffix}`;
  return [
    '',
    `  ${build}:`,
    '    name: Build',
    `    if: inputs.command != 'rollback'${wanted}`,
    ...runner(60),
    ...permissions(['contents: read # the sources']),
    '    outputs:',
    '      artifact: ${{ steps.upload.outputs.artifact-id }}',
    '      digest: ${{ steps.digest.outputs.digest }}',
    '    steps:',
    ...checkoutStep,
    '      - id: folder # before the build, which can change sluice.yml',
    `        uses: ${ownAction('cdn')}`,
    '        with:',
    '          command: dist',
    `          target: ${target}`,
    `          config: ${literal(config)}`,
    '      - name: Build',
    '        run: bash -eo pipefail -c "$BUILD_COMMAND"',
    '        env:',
    `          BUILD_COMMAND: ${buildCommand(front)}`,
    `          TARGET: ${target}`,
    '      - id: digest',
    '        name: Digest',
    '        run: |',
    '          set -o pipefail',
    '          cd -- "$DIST"',
    `          ${digestOfFolder}`,
    '          echo "digest=$digest" >>"$GITHUB_OUTPUT"',
    '        env:',
    '          DIST: ${{ steps.folder.outputs.dist }}',
    '      - id: upload',
    `        uses: ${uploadArtifact}`,
    '        with:',
    `          name: sluice-cdn-${target}`,
    '          path: ${{ steps.folder.outputs.dist }}',
    '          include-hidden-files: true',
    '          if-no-files-found: error',
    '          overwrite: true',
    '          retention-days: 1',
    ...job({
      ...{ id: `publish${suffix}`, name: 'Publish', needs: build, minutes: 60, facts, target, kind: 'cdn-' },
      condition: `\${{ !cancelled() && (needs.${build}.result == 'success' || inputs.command == 'rollback')${wanted} }}`,
      rights: ['contents: read # sluice.yml', 'id-token: write # takes the role of cdn.role'],
      steps: [
        "      - if: inputs.command != 'rollback'",
        `        uses: ${downloadArtifact}`,
        '        with:',
        `          artifact-ids: \${{ needs.${build}.outputs.artifact }}`,
        '          path: ${{ runner.temp }}/sluice-site # outside the checkout',
        '          merge-multiple: true',
        '          digest-mismatch: error',
        '      - name: Compare the digest',
        "        if: inputs.command != 'rollback'",
        '        run: |',
        '          set -o pipefail',
        '          cd -- "$RUNNER_TEMP/sluice-site"',
        `          ${digestOfFolder}`,
        '          if [ "$digest" != "$BUILT" ]; then',
        '            echo "::error title=Artifact::The files have the digest $digest, and the build reported ${BUILT:-none}"',
        '            exit 1',
        '          fi',
        '        env:',
        `          BUILT: \${{ needs.${build}.outputs.digest }}`,
        `      - uses: ${ownAction('cdn')}`,
        '        with:',
        `          target: ${target}`,
        "          command: ${{ inputs.command || 'publish' }}",
        '          to: ${{ inputs.to }}',
        "          dist: ${{ inputs.command != 'rollback' && format('{0}/sluice-site', runner.temp) || '' }}",
        `          config: ${literal(config)}`,
        '        env:',
        ...['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'CLOUDFLARE_API_TOKEN'].map(
          (name) => `          ${name}: \${{ secrets.${name} }}`,
        ),
      ],
    }),
  ];
}

interface JobFacts {
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
function job({ facts, target, kind = '', ...given }: JobFacts): string[] {
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

/** Of the names and the contents of all files. */
const digestOfFolder =
  "digest=$(find -L . -type f -print0 | LC_ALL=C sort -z | xargs -0r sha256sum -- | sha256sum | cut -d ' ' -f 1)";

const login = [
  '          ssh-key: ${{ secrets.SSH_KEY }}',
  '          known-hosts: ${{ secrets.KNOWN_HOSTS }}',
];

const registryLogin = [
  '          registry-user: ${{ vars.REGISTRY_USER }}',
  '          registry-password: ${{ secrets.REGISTRY_PASSWORD }}',
];

const checkoutStep = [`      - uses: ${checkout}`, '        with: { persist-credentials: false }'];

function runner(minutes: number): string[] {
  return ['    runs-on: ubuntu-latest', `    timeout-minutes: ${minutes}`];
}

function permissions(rights: readonly string[]): string[] {
  return ['    permissions:', ...rights.map((right) => `      ${right}`)];
}

/** A push is that of a tag: nothing else starts the workflow. */
function conditionOf({ name }: TargetGuess, tagged: readonly string[]): string {
  return `${tagged.includes(name) ? "github.event_name == 'push' || " : ''}inputs.target == '${name}'`;
}
