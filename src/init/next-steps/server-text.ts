import { wrap } from '../render/words.ts';
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

const blank = ' '.repeat(14);
const marks = { ok: '✓', warning: '!', error: '✗' } as const;

/** The verdict first; then what was looked at; then what takes root, to copy. */
export function serverText({ ok, host, created, findings, tasks }: ServerAnswer): string {
  // What root has to do stands below, with this user’s name in it.
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
      : `${host} is not ready: ${number} ${number === 1 ? 'thing' : 'things'} to do`,
    '',
    ...findings.flatMap(row),
    ...(created === undefined
      ? []
      : wrap(`${created} was made (mode 700)`, `  ✓ ${'folder'.padEnd(9)} `, blank)),
    ...(tasks.length === 0 ? [] : ['', 'As root on the server (nothing of it was done):']),
    ...tasks.flatMap(({ what, commands, note }, index) => [
      ...wrap(what, `  ${index + 1}. `, '     '),
      ...commands.map((command) => `       ${command}`),
      ...(note === undefined ? [] : wrap(note, '     ', '     ')),
    ]),
    ...(ok ? [] : ['', `Then again: sluice init host ${host}`]),
  ].join('\n');
}
