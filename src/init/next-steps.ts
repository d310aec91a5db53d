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
  /** Files that were written, from the top of the repository. */
  readonly files: readonly string[];
  /** The file that describes the variables; undefined: none does. */
  readonly example: string | undefined;
}

/** What a person does after `sluice init`, in this order. */
export function nextSteps({ guess, files, example }: StepFacts): NextStep[] {
  const { app, targets, needsVariables, onGitHub } = guess;
  const open = targets.filter(({ isOpen }) => isOpen).map(({ name }) => name);
  const key = `~/.ssh/${app.value}-deploy`;
  const steps: (NextStep | undefined)[] = [
    open.length === 0
      ? undefined
      : {
          title: `Write your ${open.length === 1 ? 'server' : 'servers'} into sluice.yml (hosts:)`,
          why: 'Or run init again with it, and the lines below are ready to copy.',
          commands: [
            `sluice init ${open.map((name) => `--${name} deploy@${name}.example.com`).join(' ')} --force`,
          ],
        },
    {
      title: 'Make a key that is for deploys alone, and let it in',
      why: undefined,
      commands: [
        `ssh-keygen -t ed25519 -N '' -C ${app.value}-deploy -f ${key}`,
        ...targets.map(({ host }) => `ssh-copy-id -i ${key}.pub ${sshWords(host)}`),
      ],
    },
    {
      title: 'Pin the host key of each server',
      why: 'Without it, whoever answers at that address gets your secrets and your images. So compare: both lines must show the same fingerprint.',
      commands: targets.flatMap((target) => pinCommands(target, app.value)),
    },
    {
      title: 'See whether the servers are ready',
      why: undefined,
      commands: targets.map(
        ({ name, host }) =>
          `SLUICE_SSH_KEY_FILE=${key} SLUICE_KNOWN_HOSTS="$(cat ${knownHosts(app.value, name)})" sluice init host ${quoteWords([host])}`,
      ),
    },
    needsVariables
      ? {
          title: 'Fill in the variables of each target; these files stay with you',
          why: undefined,
          commands: targets.map(
            ({ name }) =>
              `cp ${quoteWords([example ?? '.env.example'])} .env.${name}   # then edit it; git must ignore it`,
          ),
        }
      : undefined,
    onGitHub
      ? {
          title: 'Give GitHub the secrets',
          why: undefined,
          commands: targets.flatMap((target) => secretCommands(target, guess, key)),
        }
      : undefined,
    onGitHub
      ? {
          title: 'Commit, and make the first release',
          why: undefined,
          commands: [
            ...(files.length === 0
              ? []
              : [`git add ${quoteWords(files)}`, "git commit -m 'Deploy with Sluice' && git push"]),
            'git tag v1.0.0 && git push origin v1.0.0',
          ],
        }
      : { title: 'Build, and make the first deploy', why: undefined, commands: deployCommands(guess, key) },
  ];
  return steps.filter((step) => step !== undefined);
}

function pinCommands({ name, host }: TargetGuess, app: string): string[] {
  const { address, port } = partsOf(host);
  const file = knownHosts(app, name);
  return [
    `ssh-keyscan -t ed25519 ${port === 22 ? '' : `-p ${port} `}${quoteWords([address])} > ${file}`,
    `ssh-keygen -lf ${file}`,
    'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub   # on the server’s console',
  ];
}

function secretCommands(
  { name, prefix, host }: TargetGuess,
  { app, needsVariables }: Guess,
  key: string,
): string[] {
  const { user, address, port } = partsOf(host);
  const written = port === 22 ? address : host.slice(user.length + 1);
  return [
    `gh secret set ${prefix}_SSH_KEY < ${key}`,
    `gh secret set ${prefix}_KNOWN_HOSTS < ${knownHosts(app.value, name)}`,
    `gh secret set ${prefix}_HOST --body ${quoteWords([written])}`,
    `gh secret set ${prefix}_USER --body ${quoteWords([user])}`,
    ...(needsVariables ? [`gh secret set ${prefix}_ENV < .env.${name}`] : []),
  ];
}

function deployCommands({ app, needsVariables }: Guess, key: string): string[] {
  const variables = needsVariables ? ['export PROD_ENV="$(cat .env.production)"'] : [];
  return [
    `export SLUICE_SSH_KEY_FILE=${key} SLUICE_KNOWN_HOSTS="$(cat ${knownHosts(app.value, 'production')})"`,
    ...variables,
    'sluice build production --images images.json',
    'sluice deploy production --images images.json --release v1.0.0',
  ];
}

function knownHosts(app: string, target: string): string {
  return `~/.ssh/${app}-${target}.known_hosts`;
}

/** `ssh` takes the port by an option, and IPv6 without brackets. */
function sshWords(host: string): string {
  const { user, address, port } = partsOf(host);
  return `${port === 22 ? '' : `-p ${port} `}${quoteWords([`${user}@${address}`])}`;
}

function partsOf(host: string): { user: string; address: string; port: number } {
  const parsed = parseAddress(host);
  if ('fault' in parsed) throw new Error('hosts are checked before they are guessed with');
  return parsed;
}
