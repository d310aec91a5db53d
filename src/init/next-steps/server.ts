import type { HostFacts } from '../../host/probe/facts.ts';
import { quoteWords } from '../../kernel/quote.ts';
import { wrap } from '../render/terminal.ts';

export interface RootTask {
  readonly topics: readonly ('engine' | 'compose' | 'folder')[];
  readonly what: string;
  readonly commands: readonly string[];
  readonly note: string | undefined;
}

export interface ServerPlan {
  /** The folder for all apps, if this user can create it; undefined: it exists, or root has to create it. */
  readonly create: string | undefined;
  readonly tasks: readonly RootTask[];
}

/** The tasks on a server before the first deploy. Pure: this function runs none of them. */
export function planServer(facts: HostFacts): ServerPlan {
  const { user, root } = facts;
  const sudo = user.uid === 0 ? '' : 'sudo ';
  return {
    create: root.usable && !root.exists ? root.path : undefined,
    tasks: [...dockerTasks(facts, sudo), ...(root.usable ? [] : [folderTask(facts, sudo)])],
  };
}

/** Those of the ports that a process listens on, beyond the loopback address. */
export function takenPorts({ listening }: Pick<HostFacts, 'listening'>, ports: readonly number[]): number[] {
  const open = new Set(listening.filter(({ address }) => !isLocal(address)).map(({ port }) => port));
  return ports.filter((port) => open.has(port));
}

function dockerTasks({ user, docker, system }: HostFacts, sudo: string): RootTask[] {
  const join: RootTask = {
    topics: ['engine'],
    what: `Allow ${user.name} to use Docker`,
    commands: [`${sudo}usermod -aG docker ${quoteWords([user.name])}`],
    note: 'Members of the docker group are effectively root on the server. Add only the deploy user.',
  };
  const mayNot = user.uid !== 0 && !user.groups.includes('docker') && !docker.rootless;
  if (docker.client === undefined) {
    return [
      {
        topics: ['engine', 'compose'],
        what: 'Install Docker and its compose plugin',
        ...installation(system.distro, sudo),
      },
      ...(mayNot ? [join] : []),
    ];
  }
  const tasks: RootTask[] = [];
  if (docker.engine === undefined) {
    const isRefused = /permission denied/i.test(docker.problem ?? '');
    if (isRefused || mayNot) tasks.push(join);
    if (!isRefused)
      tasks.push({
        topics: ['engine'],
        what: 'Start Docker',
        commands: [`${sudo}systemctl enable --now docker`],
        note: undefined,
      });
  }
  if (docker.compose === undefined) tasks.push(composeTask(system.distro, sudo));
  return tasks;
}

function installation(distro = '', sudo: string): Pick<RootTask, 'commands' | 'note'> {
  if (/alpine/i.test(distro)) {
    return {
      commands: [
        `${sudo}apk add docker docker-cli-compose`,
        `${sudo}rc-update add docker boot`,
        `${sudo}service docker start`,
      ],
      note: undefined,
    };
  }
  if (/arch linux/i.test(distro)) {
    return {
      commands: [`${sudo}pacman -S docker docker-compose`, `${sudo}systemctl enable --now docker`],
      note: undefined,
    };
  }
  return {
    commands: ['curl -fsSL https://get.docker.com -o get-docker.sh', `${sudo}sh get-docker.sh`],
    note: 'Docker’s script for Debian, Ubuntu, Fedora, CentOS and RHEL. Read it before you run it.',
  };
}

function composeTask(distro = '', sudo: string): RootTask {
  const task: Pick<RootTask, 'topics' | 'what'> = { topics: ['compose'], what: 'Install the compose plugin' };
  if (/alpine/i.test(distro))
    return { ...task, commands: [`${sudo}apk add docker-cli-compose`], note: undefined };
  if (/debian|ubuntu|mint|raspbian/i.test(distro)) {
    return {
      ...task,
      commands: [`${sudo}apt-get update`, `${sudo}apt-get install -y docker-compose-plugin`],
      note: 'The package of Docker’s repository. Ubuntu calls its own docker-compose-v2; Debian (13 and newer), docker-compose.',
    };
  }
  return {
    ...task,
    commands: [`${sudo}dnf install -y docker-compose-plugin`],
    note: 'The package of Docker’s repository.',
  };
}

function folderTask({ user, root }: HostFacts, sudo: string): RootTask {
  const path = quoteWords([root.path]);
  // An existing folder may hold files of others: only the user decides on another owner.
  const commands = root.exists
    ? [`${sudo}chown ${quoteWords([user.name])} ${path}`, `${sudo}chmod 700 ${path}`]
    : [`${sudo}install -d -o ${quoteWords([user.name])} -m 700 ${path}`];
  const note = root.exists
    ? `It belongs to ${root.owner ?? 'another user'}. Check its content first.`
    : undefined;
  const what = root.exists
    ? `Make ${user.name} the owner of ${root.path}, the folder for all apps`
    : `Create ${root.path}, the folder for all apps`;
  return { topics: ['folder'], what, commands, note };
}

function isLocal(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}

export interface ServerFinding {
  readonly level: 'ok' | 'warning' | 'error';
  readonly topic: string;
  readonly message: string;
  readonly fix?: string;
}

export interface ServerAnswer {
  readonly ok: boolean;
  readonly host: string;
  readonly created: string | undefined;
  readonly findings: readonly ServerFinding[];
  readonly tasks: readonly RootTask[];
}

const blank = ' '.repeat(14);
const marks = { ok: '✓', warning: '!', error: '✗' } as const;

/** The verdict, then the checks, then the commands for root. */
export function serverText({ ok, host, created, findings, tasks }: ServerAnswer): string {
  // The tasks for root below have the fix, with the name of this user.
  const isBelow = ({ topic }: ServerFinding) =>
    tasks.some(({ topics }) => topics.some((other) => other === topic));
  const others = findings.filter((finding) => finding.level === 'error' && !isBelow(finding));
  const number = tasks.length + others.length;
  const row = (finding: ServerFinding) => {
    const fix = isBelow(finding) ? undefined : finding.fix;
    return [
      ...wrap(finding.message, `  ${marks[finding.level]} ${finding.topic.padEnd(9)} `, blank),
      ...(fix === undefined ? [] : wrap(fix, `${blank}→ `, `${blank}  `)),
    ];
  };
  return [
    ok
      ? `${host} is ready for deploys`
      : `${host} is not ready: ${number} ${number === 1 ? 'problem' : 'problems'} to fix`,
    '',
    ...findings.flatMap(row),
    ...(created === undefined
      ? []
      : wrap(`Created ${created} (mode 700)`, `  ✓ ${'folder'.padEnd(9)} `, blank)),
    ...(tasks.length === 0 ? [] : ['', 'Run as root on the server (Sluice ran none of this):']),
    ...tasks.flatMap(({ what, commands, note }, index) => [
      ...wrap(what, `  ${index + 1}. `, '     '),
      ...commands.map((command) => `       ${command}`),
      ...(note === undefined ? [] : wrap(note, '     ', '     ')),
    ]),
    ...(ok ? [] : ['', 'Then check again:', `  sluice init host ${host}`]),
  ].join('\n');
}
