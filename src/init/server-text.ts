import type { RootTask } from './server.ts';

/** One thing that was looked at on the server. */
export interface ServerFinding {
  readonly level: 'ok' | 'warning' | 'error';
  readonly topic: string;
  readonly message: string;
  readonly fix?: string;
}

export interface ServerAnswer {
  readonly ok: boolean;
  readonly host: string;
  /** The folder that was made. */
  readonly created: string | undefined;
  readonly findings: readonly ServerFinding[];
  readonly tasks: readonly RootTask[];
}

const marks = { ok: '✓', warning: '!', error: '✗' } as const;

/** The verdict first; then what was looked at; then what takes root, to copy. */
export function serverText({ ok, host, created, findings, tasks }: ServerAnswer): string {
  const number =
    tasks.length + (tasks.length === 0 ? findings.filter(({ level }) => level === 'error').length : 0);
  return [
    ok
      ? `${host} is ready for deploys`
      : `${host} is not ready: ${number} ${number === 1 ? 'thing' : 'things'} to do`,
    '',
    ...findings.flatMap(({ level, topic, message, fix }) => [
      `  ${marks[level]} ${topic.padEnd(9)} ${message}`,
      // What root has to do stands below, with this user’s name in it.
      ...(fix === undefined || (level === 'error' && tasks.length > 0)
        ? []
        : [`    ${' '.repeat(9)} → ${fix}`]),
    ]),
    ...(created === undefined ? [] : [`  ✓ ${'folder'.padEnd(9)} ${created} was made (mode 700)`]),
    ...(tasks.length === 0 ? [] : ['', 'As root on the server; nothing of it was done:']),
    ...tasks.flatMap(({ what, commands, note }, index) => [
      `  ${index + 1}. ${what}`,
      ...commands.map((command) => `       ${command}`),
      ...(note === undefined ? [] : [`     ${note}`]),
    ]),
    ...(tasks.length === 0 ? [] : ['', `Then again: sluice init host ${host}`]),
  ].join('\n');
}
