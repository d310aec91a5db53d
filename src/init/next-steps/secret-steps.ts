import type { TargetGuess } from '../guess/targets.ts';
import { environmentOf } from '../render/workflow-targets.ts';
import type { NextStep, StepFacts } from './next-steps.ts';

interface KeyFiles {
  readonly keyFile: (target: string) => string;
  readonly knownHosts: string;
  /** Targets that need a secret with an env file. */
  readonly withEnvFile: readonly TargetGuess[];
}

/**
 * Creates the environments and sets only the secrets that sluice.yml and the workflows read. The server's name and user
 * are in sluice.yml: GitHub masks secrets in every log, and with them each word `deploy`.
 */
export function secretStep(
  { guess, files }: StepFacts,
  targets: readonly TargetGuess[],
  backedUp: readonly TargetGuess[],
  { keyFile, knownHosts, withEnvFile }: KeyFiles,
): NextStep {
  const config = files.find((path) => path.endsWith('sluice.yml')) ?? 'sluice.yml';
  const place = { config, app: guess.app.value };
  const hasSite = files.some((path) => path.endsWith('-cdn.yml'));
  const commands = targets.flatMap((target) => {
    const { name, envSecrets, variables } = target;
    const environment = environmentOf(name, place);
    const asked = [...variables, ...(hasSite ? siteSecrets(guess.site?.section) : [])];
    return [
      ...environmentCommands(environment, keyFile(name), knownHosts),
      ...(withEnvFile.includes(target) ? envSecrets : []).map(
        (secret) => `gh secret set ${secret} --env ${environment} < .env.${name}`,
      ),
      ...asked.map((secret) => `gh secret set ${secret} --env ${environment}   # prompts for the value`),
      ...(backedUp.includes(target)
        ? environmentCommands(`${environment}-backup`, keyFile(`${name}-backup`), knownHosts)
        : []),
    ];
  });
  return {
    title: 'Create the GitHub environments and set their secrets',
    why: 'Protection rules of an environment (Settings > Environments) then guard its secrets: required reviewers, allowed tags.',
    commands: [...commands, ...registryCommands(guess.logins)],
  };
}

/** @see https://docs.github.com/en/rest/deployments/environments#create-or-update-an-environment */
function environmentCommands(environment: string, key: string, knownHosts: string): string[] {
  return [
    `gh api --silent --method PUT 'repos/{owner}/{repo}/environments/${environment}'`,
    `gh secret set SSH_KEY --env ${environment} < ${key}`,
    `gh secret set KNOWN_HOSTS --env ${environment} < ${knownHosts}`,
  ];
}

/** A job with a role needs no keys. */
function siteSecrets(section: string | undefined): string[] {
  return [
    ...(/^[ \t]*role:/m.test(section ?? '') ? [] : ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']),
    ...(/^[ \t]*cloudflare:/m.test(section ?? '') ? ['CLOUDFLARE_API_TOKEN'] : []),
  ];
}

/**
 * Secrets of the repository, because the build job belongs to no target. ghcr.io accepts the workflow's own token.
 *
 * @see https://docs.docker.com/security/access-tokens/
 */
function registryCommands([host]: readonly string[]): string[] {
  if (host === undefined) return [];
  const what = host === 'docker.io' ? 'a Docker Hub access token (Read & Write)' : `the password for ${host}`;
  return [
    `gh variable set REGISTRY_USER --body USER   # the user that pushes to ${host}`,
    `gh secret set REGISTRY_PASSWORD   # prompts for ${what}`,
  ];
}
