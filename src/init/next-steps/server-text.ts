import { wrap } from '../render/terminal.ts';
import type { RootTask } from './server.ts';

/** The result of one check of the server. */
export interface ServerFinding {
  readonly level: 'ok' | 'warning' | 'error';
  readonly topic: string;
  readonly message: string;
  readonly fix?: string;
}

export interface ServerAnswer {
  readonly ok: boolean;
  readonly host: string;
  /** The folder that Sluice created. */
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
