import { parseAddress } from '../../config/address.ts';
import { quoteWords } from '../../kernel/quote.ts';
import type { Guess } from '../guess/guess.ts';
import { isTrial, realTargets, type TargetGuess, tagTargets } from '../guess/targets.ts';
import { enumerate } from '../render/words.ts';
import { secretStep } from './secret-steps.ts';

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
  /** The file that describes the variables, from the top of the repository; undefined: none does. */
  readonly example: string | undefined;
  /** Names of variables that the compose files need. */
  readonly variables?: readonly string[];
  /** The checks would fail in the first CI run. */
  readonly findings?: number | undefined;
  /** Top of the repository, from the folder of the terminal; empty where they are the same. */
  readonly folder?: string;
}

/** What a person does after `sluice init`, in this order. */
export function nextSteps(facts: StepFacts): NextStep[] {
  const { guess } = facts;
  const targets = [...guess.targets].sort((a, b) => Number(isTrial(a.name)) - Number(isTrial(b.name)));
  const { app, onGitHub } = guess;
  const one = targets.length === 1;
  // At a terminal the deploy key makes the backups, too.
  const backedUp = onGitHub && guess.backup?.postgres !== undefined ? realTargets(targets) : [];
  const steps = [
    facts.folder === undefined || facts.folder === ''
      ? undefined
      : step('Go to the top of the repository: all paths below start there', undefined, [
          `cd ${quoteWords([facts.folder])}`,
        ]),
    openHosts(targets, facts.files),
    step(
      `Create a deploy key and authorize it on the ${one ? 'server' : 'servers'}`,
      undefined,
      targets.flatMap((target) => keyCommands(target, app.value, backedUp.includes(target))),
    ),
    step(
      `Pin the host ${one ? 'key' : 'keys'}: compare the fingerprints with those on the ${one ? 'server’s' : 'servers’'} own console`,
      'Otherwise a machine that answers at that address in between gets your secrets and images.',
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
    onGitHub
      ? secretStep(facts, targets, backedUp, {
          keyFile: (target) => keyFile(app.value, target),
          knownHosts: knownHosts(app.value),
          withEnvFile: withEnvFile(targets, guess),
        })
      : undefined,
    checkStep(facts),
    onGitHub
      ? step('Commit, and make the first release', undefined, releaseCommands(targets, facts.files))
      : step('Build, and make the first deploy', undefined, deployCommands(targets, guess)),
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
    `Name your ${one ? 'server' : 'servers'}: hosts: in sluice.yml, or run this with the real ${one ? 'name' : 'names'}`,
    `Then the lines below have ${one ? 'it' : 'them'}.${hasStaging ? ' No staging server? --no-staging.' : ''}`,
    [`sluice init ${options.join(' ')} --write ${quoteWords([config])}`],
  );
}

/** The backup of each night has a key of its own: nobody approves its use, and its end stops no deploy. */
function keyCommands({ name, host }: TargetGuess, app: string, isBackedUp: boolean): string[] {
  const { user, address, port } = partsOf(host);
  const to = `${port === 22 ? '' : `-p ${port} `}${quoteWords([`${user}@${address}`])}`;
  return [name, ...(isBackedUp ? [`${name}-backup`] : [])].flatMap((text) => [
    `ssh-keygen -t ed25519 -N '' -C ${app}-${text} -f ${keyFile(app, text)}`,
    `ssh-copy-id -i ${keyFile(app, text)}.pub ${to}`,
  ]);
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

/** Targets whose secret with an env file has to be made. */
function withEnvFile(targets: readonly TargetGuess[], { needsVariables }: Guess): TargetGuess[] {
  return targets.filter(
    ({ section, envSecrets }) => envSecrets.length > 0 && (section !== undefined || needsVariables),
  );
}

function variableStep(
  targets: readonly TargetGuess[],
  { guess, example, variables = [] }: StepFacts,
): NextStep | undefined {
  const asked = withEnvFile(targets, guess);
  if (asked.length === 0) return undefined;
  const files = asked.map(({ name }) => `.env.${name}`);
  const names = variables.length > 8 ? [...variables.slice(0, 8), `${variables.length - 8} more`] : variables;
  const what = names.length === 0 ? '' : `It needs ${enumerate(names)}.`;
  return step(
    `Write the variables; ${asked.length === 1 ? 'this file stays' : 'these files stay'} on your machine`,
    example === undefined && what !== '' ? what : undefined,
    [
      ...files.map((file) =>
        example === undefined
          ? `touch ${file}   # and write NAME=value lines into it`
          : `cp ${quoteWords([example])} ${file}   # and edit it`,
      ),
      `git check-ignore ${files.join(' ')}   # must name ${asked.length === 1 ? 'it' : 'all of them'}`,
    ],
  );
}

/** The first CI run shows what is there already; a team may accept it, and block only what comes new. */
function checkStep({ findings }: StepFacts): NextStep {
  const isClean = findings === 0;
  return step(
    'Run the checks that the first CI run will run',
    isClean || findings === undefined
      ? undefined
      : `It fails with the ${findings === 1 ? 'finding' : `${findings} findings`} above. Fix them, or accept what is there: from then on only new findings fail.`,
    ['sluice check', ...(isClean ? [] : ['sluice check --accept "Found before Sluice was set up"'])],
  );
}

function releaseCommands(targets: readonly TargetGuess[], files: readonly string[]): string[] {
  const callers = files.find((path) => path.startsWith('.github/workflows/'));
  const others = files.filter((path) => !path.startsWith('.github/'));
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
        `export SLUICE_REGISTRY_USER=USER   # who pushes to ${host}`,
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
  if ('fault' in parsed) throw new Error('hosts are checked before they are guessed with');
  return parsed;
}
