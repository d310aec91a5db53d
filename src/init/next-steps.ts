import { parseAddress } from '../config/address.ts';
import { quoteWords } from '../host/quote.ts';
import type { Guess } from './guess.ts';
import type { TargetGuess } from './guess-targets.ts';

/** One thing to do, with the commands for it. */
export interface NextStep {
  readonly title: string;
  readonly why: string | undefined;
  readonly commands: readonly string[];
}

export interface StepFacts {
  readonly guess: Guess;
  /** Files of init, from the top of the repository. */
  readonly files: readonly string[];
  /** The file that describes the variables; undefined: none does. */
  readonly example: string | undefined;
}

/** What a person does after `sluice init`, in this order. */
export function nextSteps(facts: StepFacts): NextStep[] {
  const { guess, example } = facts;
  const targets = guess.targets.toReversed();
  const { app, needsVariables, onGitHub } = guess;
  const steps = [
    openHosts(targets, facts.files),
    step(
      'Make a key for deploys alone, and let it in',
      undefined,
      targets.flatMap((target) => keyCommands(target, app.value)),
    ),
    step(
      `Pin the host ${targets.length === 1 ? 'key' : 'keys'}: the fingerprints must be those of the ${targets.length === 1 ? 'server’s' : 'servers’'} own console`,
      'Otherwise whoever answers at that address gets your secrets and images.',
      pinCommands(targets, app.value),
    ),
    step(`See whether the ${targets.length === 1 ? 'server is' : 'servers are'} ready`, undefined, [
      `export SLUICE_KNOWN_HOSTS="$(cat ${knownHosts(app.value)})"`,
      ...targets.map(
        ({ name, host }) =>
          `SLUICE_SSH_KEY_FILE=${keyFile(app.value, name)} sluice init host ${quoteWords([host])}`,
      ),
    ]),
    needsVariables
      ? step(
          'Write down the variables; these files stay on your machine',
          undefined,
          variableCommands(targets, example),
        )
      : undefined,
    onGitHub
      ? step('Give GitHub the secrets', undefined, [
          ...targets.flatMap((target) => secretCommands(target, guess)),
          ...registryCommands(guess),
        ])
      : undefined,
    onGitHub
      ? step('Commit, and make the first release', undefined, releaseCommands(facts.files))
      : step('Build, and make the first deploy', undefined, deployCommands(guess)),
  ];
  return steps.filter((each) => each !== undefined);
}

function step(title: string, why: string | undefined, commands: readonly string[]): NextStep {
  return { title, why, commands };
}

function openHosts(targets: readonly TargetGuess[], files: readonly string[]): NextStep | undefined {
  const open = targets.filter(({ isOpen }) => isOpen);
  if (open.length === 0) return undefined;
  const config = files.find((path) => path.endsWith('sluice.yml')) ?? 'sluice.yml';
  const options = open.map(({ name, host }) => `--${name} ${host}`);
  const hasStaging = open.some(({ name }) => name === 'staging');
  return step(
    `Name your ${open.length === 1 ? 'server' : 'servers'}: hosts: in sluice.yml, or run this with the real ${open.length === 1 ? 'name' : 'names'}`,
    `Then the lines below have ${open.length === 1 ? 'it' : 'them'}.${hasStaging ? ' No staging server? --no-staging.' : ''}`,
    [`sluice init ${options.join(' ')} --write ${quoteWords([config])}`],
  );
}

function keyCommands({ name, host }: TargetGuess, app: string): string[] {
  const file = keyFile(app, name);
  const { user, address, port } = partsOf(host);
  const to = `${port === 22 ? '' : `-p ${port} `}${quoteWords([`${user}@${address}`])}`;
  return [`ssh-keygen -t ed25519 -N '' -C ${app}-${name} -f ${file}`, `ssh-copy-id -i ${file}.pub ${to}`];
}

/** One file for all servers: host keys are public, and a server that is not asked for is not connected to. */
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
    'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub   # at the console',
  ];
}

function variableCommands(targets: readonly TargetGuess[], example: string | undefined): string[] {
  const file = quoteWords([example ?? '.env.example']);
  return [
    ...targets.map(({ name }) => `cp ${file} .env.${name}   # and edit it`),
    `git check-ignore ${targets.map(({ name }) => `.env.${name}`).join(' ')}   # must name ${targets.length === 1 ? 'it' : 'both'}`,
  ];
}

/**
 * Only those that sluice.yml and the workflows ask for. The server's name and user are in sluice.yml: as secrets GitHub
 * would blank them in every log, and with them each word `deploy`.
 */
function secretCommands({ name, prefix }: TargetGuess, { app, needsVariables }: Guess): string[] {
  return [
    `gh secret set ${prefix}_SSH_KEY < ${keyFile(app.value, name)}`,
    `gh secret set ${prefix}_KNOWN_HOSTS < ${knownHosts(app.value)}`,
    ...(needsVariables ? [`gh secret set ${prefix}_ENV < .env.${name}`] : []),
  ];
}

/** ghcr.io takes the workflow's own token. @see https://docs.docker.com/security/access-tokens/ */
function registryCommands({ logins }: Guess): string[] {
  const [host] = logins;
  if (host === undefined) return [];
  const what = host === 'docker.io' ? 'an access token of Docker Hub (Read & Write)' : `of ${host}`;
  return [
    `gh variable set REGISTRY_USER --body USER   # who pushes to ${host}`,
    `gh secret set REGISTRY_PASSWORD   # asks for it: ${what}`,
  ];
}

function releaseCommands(files: readonly string[]): string[] {
  const callers = files.find((path) => path.startsWith('.github/workflows/'));
  const others = files.filter((path) => !path.startsWith('.github/'));
  const pattern = callers?.replace(/-\w+\.yml$/, '-*.yml');
  // The pattern is for the shell; app names in it are plain.
  const names = [quoteWords(others), ...(pattern === undefined ? [] : [pattern])].join(' ');
  return [
    `git add ${names}`,
    "git commit -m 'Deploy with Sluice' && git push",
    'git tag v1.0.0 && git push origin v1.0.0',
  ];
}

function deployCommands({ app, needsVariables, logins }: Guess): string[] {
  return [
    ...logins
      .slice(0, 1)
      .flatMap((host) => [
        `export SLUICE_REGISTRY_USER=USER   # who pushes to ${host}`,
        'read -rs SLUICE_REGISTRY_PASSWORD && export SLUICE_REGISTRY_PASSWORD',
      ]),
    `export SLUICE_SSH_KEY_FILE=${keyFile(app.value, 'production')}`,
    ...(needsVariables ? ['export PROD_ENV="$(cat .env.production)"'] : []),
    'sluice build production --images images.json',
    'sluice deploy production --images images.json --release v1.0.0',
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
  if ('fault' in parsed) throw new Error('hosts are checked before they are guessed with');
  return parsed;
}
