/** A variable that a shell, or Docker Compose, has on whatever machine it runs. */
export interface ShellVariable {
  /** Its value there: the end of a sentence that begins with its name. */
  readonly is: string;
  /** Hint: how to write it in a compose file instead. */
  readonly instead: string;
}

const folder = 'the folder Sluice runs in, not a folder on the server';
const shell: Readonly<Record<string, ShellVariable>> = {
  PWD: {
    is: folder,
    instead: 'Use a relative path: ./data instead of ${PWD}/data.',
  },
  OLDPWD: { is: folder, instead: 'Use a literal path.' },
  HOME: {
    is: 'the home folder of the user who runs Sluice, not a folder on the server',
    instead: 'Use a literal path on the server, such as /srv/data, or a named volume.',
  },
  USER: { is: 'the user who runs Sluice', instead: 'Use a literal name.' },
  LOGNAME: { is: 'the user who runs Sluice', instead: 'Use a literal name.' },
  UID: { is: 'the user who runs Sluice', instead: 'Use a literal number: user: "1000:1000".' },
  GID: { is: 'the group of the user who runs Sluice', instead: 'Use a literal number: user: "1000:1000".' },
  EUID: { is: 'the user who runs Sluice', instead: 'Use a literal number.' },
  HOSTNAME: { is: 'the name of the machine where Sluice runs', instead: 'Use a literal name.' },
  SHELL: { is: 'the shell of the user who runs Sluice', instead: 'Use a literal path.' },
  PATH: {
    is: 'the PATH of the machine where Sluice runs',
    instead: 'Write $$PATH to use the PATH of the container.',
  },
  DOCKER_CONFIG: {
    is: 'a folder on the machine where Sluice runs',
    instead: 'Use a literal path on the server.',
  },
  TERM: { is: 'the terminal Sluice runs in', instead: 'Use a literal value, such as xterm.' },
  DISPLAY: { is: 'the screen of the machine where Sluice runs', instead: 'Use a literal value.' },
  LANG: { is: 'the language of the user who runs Sluice', instead: 'Use a literal value, such as C.UTF-8.' },
  TMPDIR: { is: 'a folder on the machine where Sluice runs', instead: 'Use a literal path on the server.' },
  SSH_AUTH_SOCK: {
    is: 'the SSH agent of the user who runs Sluice',
    instead: 'Mount a key as a secret instead.',
  },
  XDG_RUNTIME_DIR: {
    is: 'a folder of the user who runs Sluice',
    instead: 'Use a literal path on the server.',
  },
};

/**
 * A variable that every machine sets: not a setting of the app, not a secret, and wrong on a server unless the
 * target itself sets it. Undefined for all others.
 */
export function shellVariable(name: string): ShellVariable | undefined {
  return Object.hasOwn(shell, name) ? shell[name] : undefined;
}

/** Whether Docker Compose gives a variable its value itself: the name of the app, because Sluice passes it. */
export function isComposeOwn(name: string): boolean {
  return name === 'COMPOSE_PROJECT_NAME';
}
