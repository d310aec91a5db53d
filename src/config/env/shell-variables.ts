/** A variable that a shell, or Docker Compose, has on whatever machine it runs. */
export interface ShellVariable {
  /** What it is there: the end of a sentence that begins with its name. */
  readonly is: string;
  /** What to write in a compose file instead. */
  readonly instead: string;
}

const folder = 'the folder in which Sluice runs, not a folder of the server';
const shell: Readonly<Record<string, ShellVariable>> = {
  PWD: {
    is: folder,
    instead: 'Write the path without it: ./data in place of ${PWD}/data.',
  },
  OLDPWD: { is: folder, instead: 'Write the path out.' },
  HOME: {
    is: 'the home folder of the user who runs Sluice, not of one on the server',
    instead: 'Write the server’s path out, such as /srv/data, or use a named volume.',
  },
  USER: { is: 'the user who runs Sluice', instead: 'Write the name out.' },
  LOGNAME: { is: 'the user who runs Sluice', instead: 'Write the name out.' },
  UID: { is: 'the user who runs Sluice', instead: 'Write the number out: user: "1000:1000".' },
  GID: { is: 'the group of the user who runs Sluice', instead: 'Write the number out: user: "1000:1000".' },
  EUID: { is: 'the user who runs Sluice', instead: 'Write the number out.' },
  HOSTNAME: { is: 'the name of the machine where Sluice runs', instead: 'Write the name out.' },
  SHELL: { is: 'the shell of the user who runs Sluice', instead: 'Write the path out.' },
  PATH: {
    is: 'the PATH of the machine where Sluice runs',
    instead: 'Write $$PATH where the container’s own is meant.',
  },
  DOCKER_CONFIG: {
    is: 'a folder of the machine where Sluice runs',
    instead: 'Write the server’s path out.',
  },
  TERM: { is: 'the terminal in which Sluice runs', instead: 'Write the value out, such as xterm.' },
  DISPLAY: { is: 'the screen of the machine where Sluice runs', instead: 'Write the value out.' },
  LANG: { is: 'the language of the user who runs Sluice', instead: 'Write the value out, such as C.UTF-8.' },
  TMPDIR: { is: 'a folder of the machine where Sluice runs', instead: 'Write the server’s path out.' },
  SSH_AUTH_SOCK: {
    is: 'the SSH agent of the user who runs Sluice',
    instead: 'Mount a key as a secret instead.',
  },
  XDG_RUNTIME_DIR: {
    is: 'a folder of the user who runs Sluice',
    instead: 'Write the server’s path out.',
  },
};

/**
 * What a variable is that the machine has anyway: no setting of the app, no secret, and wrong on a server unless the
 * target itself sets it. Undefined for all others.
 */
export function shellVariable(name: string): ShellVariable | undefined {
  return Object.hasOwn(shell, name) ? shell[name] : undefined;
}

/** Whether Docker Compose gives a variable its value itself: the name of the app, because Sluice passes it. */
export function isComposeOwn(name: string): boolean {
  return name === 'COMPOSE_PROJECT_NAME';
}
