import { parseAddress } from '../../config/address.ts';
import { quoteWords } from '../../kernel/quote.ts';
import type { Guess } from '../guess/guess.ts';
import { isTrial, realTargets, type TargetGuess, tagTargets } from '../guess/targets.ts';
import { enumerate } from '../render/terminal.ts';
import { environmentOf } from '../render/workflow-parts.ts';

export interface NextStep {
  readonly title: string;
  readonly why: string | undefined;
  readonly commands: readonly string[];
}

export interface StepFacts {
  readonly guess: Guess;
  /** Files of init, relative to the repository root. */
  readonly files: readonly string[];
  /** The file that describes the variables, relative to the repository root; undefined: there is none. */
  readonly example: string | undefined;
  readonly variables?: readonly string[];
  /** Env files of the targets that git does not ignore. */
  readonly unignored?: readonly string[] | undefined;
  /** Number of findings that fail the first CI run. */
  readonly findings?: number | undefined;
  /** Repository root, relative to the working directory; empty where they are the same. */
  readonly folder?: string;
}

export function nextSteps(facts: StepFacts): NextStep[] {
  const { guess } = facts;
  const targets = [...guess.targets].sort((a, b) => Number(isTrial(a.name)) - Number(isTrial(b.name)));
  const { app, onGitHub } = guess;
  const one = targets.length === 1;
  // At a terminal, backups use the deploy key.
  const backedUp = onGitHub && guess.backup?.postgres !== undefined ? realTargets(targets) : [];
  const steps = [
    facts.folder === undefined || facts.folder === ''
      ? undefined
      : step('Change to the repository root: all paths below are relative to it', undefined, [
          `cd ${quoteWords([facts.folder])}`,
        ]),
    openHosts(targets, facts.files),
    step(
      `Create a deploy key and authorize it on the ${one ? 'server' : 'servers'}`,
      undefined,
      targets.flatMap((target) => keyCommands(target, app.value, backedUp.includes(target))),
    ),
    step(
      `Pin the host ${one ? 'key' : 'keys'}: compare the fingerprints with those on the ${one ? 'server’s' : 'servers’'} console`,
      'Otherwise, a machine that intercepts the connection gets your secrets and images.',
      pinCommands(targets, app.value),
    ),
    step(`Check that the ${one ? 'server is' : 'servers are'} ready`, undefined, [
      `export SLUICE_KNOWN_HOSTS="$(cat ${knownHosts(app.value)})"`,
      ...targets.map(
        ({ name, host }) =>
          `SLUICE_SSH_KEY_FILE=${keyFile(app.value, name)} sluice init host ${quoteWords([host])}`,
      ),
    ]),
    variableStep(targets, facts),
    onGitHub ? secretStep(facts, targets, backedUp) : undefined,
    checkStep(facts),
    onGitHub
      ? step('Commit and create the first release', undefined, releaseCommands(targets, facts))
      : step('Build and deploy for the first time', undefined, deployCommands(targets, guess)),
  ];
  return steps.filter((nextStep) => nextStep !== undefined);
}

function step(title: string, why: string | undefined, commands: readonly string[]): NextStep {
  return { title, why, commands };
}

function openHosts(targets: readonly TargetGuess[], files: readonly string[]): NextStep | undefined {
  const open = targets.filter(({ isOpen }) => isOpen);
  if (open.length === 0) return undefined;
  const config = files.find((path) => path.endsWith('sluice.yml')) ?? 'sluice.yml';
  const options = open.map(({ name, host }) =>
    name === 'production' || name === 'staging' ? `--${name} ${host}` : `--target ${name}=${host}`,
  );
  const hasStaging = open.some(({ name }) => name === 'staging');
  const one = open.length === 1;
  return step(
    `Set your ${one ? 'server' : 'servers'}: edit hosts: in sluice.yml, or run this with the real ${one ? 'address' : 'addresses'}`,
    `The commands below then use ${one ? 'it' : 'them'}.${hasStaging ? ' Without a staging server, use --no-staging.' : ''}`,
    [`sluice init ${options.join(' ')} --write ${quoteWords([config])}`],
  );
}

/** The nightly backup has a separate key: it needs no approval, and revoking it stops no deploy. */
function keyCommands({ name, host }: TargetGuess, app: string, isBackedUp: boolean): string[] {
  const { user, address, port } = partsOf(host);
  const to = `${port === 22 ? '' : `-p ${port} `}${quoteWords([`${user}@${address}`])}`;
  return [name, ...(isBackedUp ? [`${name}-backup`] : [])].flatMap((text) => [
    `ssh-keygen -t ed25519 -N '' -C ${app}-${text} -f ${keyFile(app, text)}`,
    `ssh-copy-id -i ${keyFile(app, text)}.pub ${to}`,
  ]);
}

/** One file for all servers: host keys are public, and Sluice connects only to the servers of its target. */
function pinCommands(targets: readonly TargetGuess[], app: string): string[] {
  const ports = new Map<number, string[]>();
  for (const { address, port } of targets.map(({ host }) => partsOf(host))) {
    const known = ports.get(port) ?? [];
    if (!known.includes(address)) ports.set(port, [...known, address]);
  }
  const scans = [...ports].map(
    ([port, addresses], index) =>
      `ssh-keyscan -t ed25519 ${port === 22 ? '' : `-p ${port} `}${quoteWords(addresses)} ${index === 0 ? '>' : '>>'} ${knownHosts(app)}`,
  );
  return [
    ...scans,
    `ssh-keygen -lf ${knownHosts(app)}`,
    'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub   # on the console',
  ];
}

function withEnvFile(targets: readonly TargetGuess[], { needsVariables }: Guess): TargetGuess[] {
  return targets.filter(
    ({ section, envSecrets }) => envSecrets.length > 0 && (section !== undefined || needsVariables),
  );
}

function variableStep(
  targets: readonly TargetGuess[],
  { guess, example, variables = [], unignored = [] }: StepFacts,
): NextStep | undefined {
  const asked = withEnvFile(targets, guess);
  if (asked.length === 0) return undefined;
  const files = asked.map(({ name }) => `.env.${name}`);
  const names = variables.length > 8 ? [...variables.slice(0, 8), `${variables.length - 8} more`] : variables;
  const what = names.length === 0 ? '' : `The app needs ${enumerate(names)}.`;
  return step(
    `Write the variables. Keep ${asked.length === 1 ? 'this file' : 'these files'} on your machine`,
    example === undefined && what !== '' ? what : undefined,
    [
      ...ignoreCommands(files.filter((file) => unignored.includes(file))),
      ...files.map((file) =>
        example === undefined
          ? `touch ${file}   # then add NAME=value lines`
          : `cp ${quoteWords([example])} ${file}   # then edit it`,
      ),
      `git check-ignore ${files.join(' ')}   # must print ${asked.length === 1 ? 'it' : 'all of them'}`,
    ],
  );
}

/** The empty line first: the last line of the file can lack its end. */
function ignoreCommands(files: readonly string[]): string[] {
  return files.length === 0 ? [] : [`printf '%s\\n' '' ${quoteWords(files)} >> .gitignore`];
}

/** The first CI run reports all existing findings; a team can accept them and block only new ones. */
function checkStep({ findings }: StepFacts): NextStep {
  const isClean = findings === 0;
  return step(
    'Run the checks of the first CI run',
    isClean || findings === undefined
      ? undefined
      : `It fails with the ${findings === 1 ? 'finding' : `${findings} findings`} above. Fix ${findings === 1 ? 'it, or accept it' : 'them, or accept them'}: after that, only new findings fail.`,
    ['sluice check', ...(isClean ? [] : ['sluice check --accept "Found before Sluice was set up"'])],
  );
}

function releaseCommands(
  targets: readonly TargetGuess[],
  { files, guess, unignored = [] }: StepFacts,
): string[] {
  const callers = files.find((path) => path.startsWith('.github/workflows/'));
  const isChanged = withEnvFile(targets, guess).some(({ name }) => unignored.includes(`.env.${name}`));
  const others = [
    ...files.filter((path) => !path.startsWith('.github/')),
    ...(isChanged ? ['.gitignore'] : []),
  ];
  const pattern = callers?.replace(/-\w+\.yml$/, '-*.yml');
  // The pattern is for the shell; app names in it are plain.
  const names = [quoteWords(others), ...(pattern === undefined ? [] : [pattern])].join(' ');
  const workflow = files.find((path) => path.endsWith('-deploy.yml'))?.replace(/^.*\//, '');
  const [first] = realTargets(targets);
  return [
    `git add ${names}`,
    "git commit -m 'Deploy with Sluice' && git push",
    tagTargets(targets).length > 0 || workflow === undefined
      ? 'git tag v1.0.0 && git push origin v1.0.0'
      : `gh workflow run ${workflow} -f target=${first?.name ?? ''}`,
  ];
}

function deployCommands(targets: readonly TargetGuess[], guess: Guess): string[] {
  const [target] = realTargets(targets);
  if (target === undefined) return [];
  const { name } = target;
  return [
    ...guess.logins
      .slice(0, 1)
      .flatMap((host) => [
        `export SLUICE_REGISTRY_USER=USER   # the user that pushes to ${host}`,
        'read -rs SLUICE_REGISTRY_PASSWORD && export SLUICE_REGISTRY_PASSWORD',
      ]),
    `export SLUICE_SSH_KEY_FILE=${keyFile(guess.app.value, name)}`,
    ...(withEnvFile([target], guess).length === 0
      ? []
      : target.envSecrets.map((secret) => `export ${secret}="$(cat .env.${name})"`)),
    `sluice build ${name} --images images.json`,
    `sluice deploy ${name} --images images.json --release v1.0.0`,
  ];
}

function keyFile(app: string, target: string): string {
  return `~/.ssh/${app}-${target}`;
}

function knownHosts(app: string): string {
  return `~/.ssh/${app}.known_hosts`;
}

function partsOf(host: string): { user: string; address: string; port: number } {
  const parsed = parseAddress(host);
  if ('fault' in parsed) throw new Error('hosts are validated before the guess');
  return parsed;
}

/**
 * Creates the environments and sets only the secrets that sluice.yml and the workflows read. The server's name and user
 * are in sluice.yml: GitHub masks secrets in every log, and with them each word `deploy`.
 */
function secretStep(
  { guess, files }: StepFacts,
  targets: readonly TargetGuess[],
  backedUp: readonly TargetGuess[],
): NextStep {
  const config = files.find((path) => path.endsWith('sluice.yml')) ?? 'sluice.yml';
  const app = guess.app.value;
  const withFile = withEnvFile(targets, guess);
  const hasSite = files.some((path) => path.endsWith('-cdn.yml'));
  const commands = targets.flatMap((target) => {
    const { name, envSecrets, variables } = target;
    const environment = environmentOf(name, { config, app });
    const asked = [...variables, ...(hasSite ? siteSecrets(guess.site?.section) : [])];
    return [
      ...environmentCommands(environment, keyFile(app, name), knownHosts(app)),
      ...(withFile.includes(target) ? envSecrets : []).map(
        (secret) => `gh secret set ${secret} --env ${environment} < .env.${name}`,
      ),
      ...asked.map((secret) => `gh secret set ${secret} --env ${environment}   # prompts for the value`),
      ...(backedUp.includes(target)
        ? environmentCommands(`${environment}-backup`, keyFile(app, `${name}-backup`), knownHosts(app))
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
function environmentCommands(environment: string, key: string, hosts: string): string[] {
  return [
    `gh api --silent --method PUT 'repos/{owner}/{repo}/environments/${environment}'`,
    `gh secret set SSH_KEY --env ${environment} < ${key}`,
    `gh secret set KNOWN_HOSTS --env ${environment} < ${hosts}`,
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
