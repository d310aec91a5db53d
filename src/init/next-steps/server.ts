import type { HostFacts } from '../../host/probe/facts.ts';
import { quoteWords } from '../../kernel/quote.ts';

/** Something only root can do, with the commands for it. */
export interface RootTask {
  /** The findings that it mends. */
  readonly topics: readonly ('engine' | 'compose' | 'folder')[];
  readonly what: string;
  readonly commands: readonly string[];
  /** What to know before it is done. */
  readonly note: string | undefined;
}

export interface ServerPlan {
  /** The folder of all apps, where this user may make it; undefined: it is there, or it takes root. */
  readonly create: string | undefined;
  readonly tasks: readonly RootTask[];
}

/** What has to be done on a server before the first deploy. Pure; nobody does any of it without being told to. */
export function planServer(facts: HostFacts): ServerPlan {
  const { user, root } = facts;
  const sudo = user.uid === 0 ? '' : 'sudo ';
  return {
    create: root.usable && !root.exists ? root.path : undefined,
    tasks: [...dockerTasks(facts, sudo), ...(root.usable ? [] : [folderTask(facts, sudo)])],
  };
}

/** Those of the ports that something listens on, for others than the server itself. */
export function takenPorts({ listening }: Pick<HostFacts, 'listening'>, ports: readonly number[]): number[] {
  const open = new Set(listening.filter(({ address }) => !isLocal(address)).map(({ port }) => port));
  return ports.filter((port) => open.has(port));
}

function dockerTasks({ user, docker, system }: HostFacts, sudo: string): RootTask[] {
  const join: RootTask = {
    topics: ['engine'],
    what: `let ${user.name} use Docker`,
    commands: [`${sudo}usermod -aG docker ${quoteWords([user.name])}`],
    note: 'The group docker is as good as root on that server: give it to the deploy user alone.',
  };
  const mayNot = user.uid !== 0 && !user.groups.includes('docker') && !docker.rootless;
  if (docker.client === undefined) {
    return [
      {
        topics: ['engine', 'compose'],
        what: 'install Docker and its compose plugin',
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
        what: 'start Docker',
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
    note: 'Docker’s own script, for Debian, Ubuntu, Fedora, CentOS and RHEL; look at it first.',
  };
}

function composeTask(distro = '', sudo: string): RootTask {
  const task: Pick<RootTask, 'topics' | 'what'> = { topics: ['compose'], what: 'install the compose plugin' };
  if (/alpine/i.test(distro))
    return { ...task, commands: [`${sudo}apk add docker-cli-compose`], note: undefined };
  if (/debian|ubuntu|mint|raspbian/i.test(distro)) {
    return {
      ...task,
      commands: [`${sudo}apt-get update`, `${sudo}apt-get install -y docker-compose-plugin`],
      note: 'That is its name in Docker’s own repository; Ubuntu’s package is docker-compose-v2, Debian’s (13 and newer) docker-compose.',
    };
  }
  return {
    ...task,
    commands: [`${sudo}dnf install -y docker-compose-plugin`],
    note: 'From Docker’s own repository.',
  };
}

function folderTask({ user, root }: HostFacts, sudo: string): RootTask {
  const path = quoteWords([root.path]);
  // A folder that is there may hold what others need: it gets another owner only by a person’s choice.
  const commands = root.exists
    ? [`${sudo}chown ${quoteWords([user.name])} ${path}`, `${sudo}chmod 700 ${path}`]
    : [`${sudo}install -d -o ${quoteWords([user.name])} -m 700 ${path}`];
  const note = root.exists
    ? `It belongs to ${root.owner ?? 'somebody else'} now: see what is in it first.`
    : undefined;
  return { topics: ['folder'], what: `make ${root.path}, the folder of all apps`, commands, note };
}

function isLocal(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}
