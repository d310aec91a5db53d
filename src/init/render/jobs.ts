import { tagTargets } from '../guess/targets.ts';
import { siteJobs } from './site-jobs.ts';
import { ownAction } from './toolkit.ts';
import {
  backupOpening,
  backupStrategy,
  type CallerFacts,
  checkoutStep,
  conditionOf,
  deployOpening,
  environmentOf,
  envNames,
  job,
  literal,
  ownEnvNames,
  permissions,
  rollbackOpening,
  runner,
  sameEnvNames,
  strategy,
  targetExpression,
} from './workflow-parts.ts';

/**
 * Workflows whose own jobs call Sluice’s actions: for variables with other names, and for accounts where the secrets of an
 * environment do not reach a reusable workflow of another repository.
 */
export function renderJobs(caller: 'deploy' | 'rollback' | 'backup' | 'cdn', facts: CallerFacts): string {
  const forms = { deploy, rollback, backup, cdn: siteJobs };
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
    ...deployOpening(targets),
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
    // A job has the names of only one target, so targets with different names each have a job.
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
  return [
    ...rollbackOpening(targets),
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
    ...backupOpening,
    '  backup:',
    '    name: Back up',
    backupStrategy(facts),
    ...runner(60),
    ...permissions(['contents: read # sluice.yml and the compose files']),
    // The target's own environment can require an approval, which would block a run at night.
    `    environment: ${environmentOf(target, facts)}-backup`,
    '    steps:',
    ...checkoutStep,
    `      - uses: ${ownAction('backup')}`,
    '        with:',
    `          target: ${target}`,
    `          config: ${literal(facts.config)}`,
    ...login,
  ];
}

const login = [
  '          ssh-key: ${{ secrets.SSH_KEY }}',
  '          known-hosts: ${{ secrets.KNOWN_HOSTS }}',
];

const registryLogin = [
  '          registry-user: ${{ vars.REGISTRY_USER }}',
  '          registry-password: ${{ secrets.REGISTRY_PASSWORD }}',
];
