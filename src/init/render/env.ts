import { leastLength } from '../../config/env/audit.ts';
import { isSecretName, secretIn } from '../../config/secrets/secret-names.ts';
import type { Seen } from '../study/repository.ts';
import { folderOf } from '../study/tree.ts';
import type { ComposeVariable } from '../study/variables.ts';
import { enumerate, inline } from './terminal.ts';

export interface EnvExample {
  readonly path: string;
  readonly text: string;
  /** Names that no file described so far. */
  readonly added: readonly string[];
}

const sections: readonly (readonly [string, (variable: ComposeVariable) => boolean])[] = [
  ['Secrets', ({ name }) => isSecretName(name)],
  ['Images', ({ name }) => /(?:^|_)(?:REGISTRY|IMAGE|TAG|VERSION)(?:_|$)/.test(name)],
  [
    'Database and queues',
    ({ name }) =>
      /^(?:DB|DATABASE|POSTGRES|PG|MYSQL|MARIADB|MONGO|REDIS|VALKEY|RABBITMQ|AMQP|CELERY)_?/.test(name),
  ],
  ['Application', () => true],
];

/** Adds the variables that no example file names, in sections at the end of one; undefined if none is missing. */
export function renderEnvExample(
  seen: Pick<Seen, 'variables' | 'examples' | 'compose'>,
): EnvExample | undefined {
  const described = new Set(seen.examples.flatMap(({ names }) => names));
  const missing = seen.variables.filter((variable) => !described.has(variable.name) && isNeeded(variable));
  if (missing.length === 0) return undefined;
  const folder = folderOf(seen.compose?.files[0]?.path ?? '');
  const beside = seen.examples.find(({ path }) => folderOf(path) === folder);
  const file = beside ?? seen.examples.find(({ path }) => folderOf(path) === '');
  const path = file?.path ?? (folder === '' ? '.env.example' : `${folder}/.env.example`);
  const head =
    file === undefined
      ? [
          '# Variables of the compose files. Copy this file to .env.TARGET, such as .env.production, and replace every CHANGE_ME. Keep real values out of here.',
          '# A secret of 64 characters: openssl rand -hex 32. A password of 32 characters: openssl rand -hex 16',
          '',
        ]
      : [file.text.trimEnd(), ''];
  const left = [...missing];
  const blocks = sections.flatMap(([title, belongs]) => {
    const here = left.filter((variable) => belongs(variable));
    for (const variable of here) left.splice(left.indexOf(variable), 1);
    return here.length === 0
      ? []
      : [
          [`# --- ${title} ${'-'.repeat(Math.max(3, 74 - title.length))}`, ...here.flatMap(linesOf)].join(
            '\n',
          ),
        ];
  });
  return {
    path,
    text: `${[...head, blocks.join('\n\n')].join('\n')}\n`,
    added: missing.map(({ name }) => name),
  };
}

/** A variable with a default needs no description, unless it is a secret. */
function isNeeded({ name, fallback }: ComposeVariable): boolean {
  return fallback === undefined || isSecretName(name) || secretIn([], fallback) !== undefined;
}

function linesOf(variable: ComposeVariable): string[] {
  const { name, fallback, users } = variable;
  const facts = [
    ...(users.length === 0 ? [] : [enumerate(users)]),
    ...(fallback === undefined ? ['required'] : []),
  ];
  return [`# ${inline(facts.join(', '))}`, `${name}=${exampleValue(name, fallback)}`];
}

/** Never a real value: the defaults of compose files are public, except passwords left there. */
function exampleValue(name: string, fallback: string | undefined): string {
  const least = leastLength(name);
  if (isSecretName(name)) return least === undefined ? 'CHANGE_ME' : `CHANGE_ME_${least}_characters`;
  // A deploy rejects CHANGE_ME; it can accept an empty text.
  if (fallback === undefined) return 'CHANGE_ME';
  if (fallback === '') return '';
  if (secretIn([], fallback) !== undefined) return 'CHANGE_ME';
  if (/^[\w./:@%+,=-]+$/.test(fallback)) return fallback;
  return /^[^'\\$\u0000-\u001f\u007f-\u009f]*$/.test(fallback) ? `'${fallback}'` : '';
}
