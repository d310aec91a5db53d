import { auditEnv, type EnvFault } from '../../../config/env/audit.ts';
import { guessable } from '../../../config/env/guessable.ts';
import { isSecretName } from '../../../config/secrets/secret-names.ts';
import type { App } from '../app.ts';
import type { Hit, Rule } from '../rule.ts';
import { isDummy, isPlaceholder, looksSecret, namesSecret, secretShape, urlShape } from '../secret-names.ts';
import { type ValueFile, valueFiles } from './files.ts';

const owasp = {
  name: 'OWASP: secrets management',
  url: 'https://cheatsheetseries.owasp.org/cheatsheets/Secrets_Management_Cheat_Sheet.html',
};

export const committedSecret: Rule<App> = {
  id: 'env/committed-secret',
  severity: 'critical',
  level: 'fail',
  title: 'No env file with secrets stands in the repository.',
  why: 'Everybody with the repository has them, and git keeps them for good: removing the line does not take them back.',
  fix: 'git rm --cached the file, add it to .gitignore, and replace every secret where it was issued.',
  source: owasp,
  example: {
    file: '.env',
    bad: 'DB_PASSWORD=q7Zk2Vn9xTb4Lr8sWd3Hm6Yc1Pf5Gj0A\n',
    good: 'LOG_LEVEL=info\n',
  },
  check: (app) =>
    valueFiles(app)
      .filter(({ committed }) => committed)
      .flatMap(({ path, entries, purpose }) =>
        entries.flatMap(({ name, value, line }): Hit[] => {
          const form = secretShape(value);
          // Databases of development and tests have passwords that guard nothing; a token of a service is one everywhere.
          const shape = form === urlShape && purpose === 'development' ? undefined : form;
          const isReal =
            namesSecret(name) && looksSecret(value) && !isDummy(value) && !isPlaceholder(name, value);
          if (shape === undefined && (!isReal || purpose === 'development')) return [];
          const what = shape === undefined ? 'a secret' : shape;
          const hit = { file: path, line, subject: name };
          // What only resembles a secret, where this app's production does not look, blocks no release of it.
          if (purpose === 'elsewhere' && shape === undefined)
            return [
              {
                ...hit,
                message: `${name} holds what looks like a secret, in a file of another way to run the app.`,
                severity: 'medium',
                level: 'note',
              },
            ];
          return [{ ...hit, message: `${name} holds ${what}, in a file of the repository.` }];
        }),
      ),
};

export const exampleSecret: Rule<App> = {
  id: 'env/example-secret',
  severity: 'high',
  level: 'fail',
  title: '.env.example holds placeholders, and no secrets.',
  why: 'The file is meant to be read by everybody and to be copied as it is: a real secret in it is known, and a random one ends up on every server.',
  fix: 'Write a placeholder such as CHANGE_ME, and replace the secret wherever it is in use.',
  source: owasp,
  example: {
    file: '.env.example',
    bad: 'SECRET_KEY=q7Zk2Vn9xTb4Lr8sWd3Hm6Yc1Pf5Gj0AeRuoIiXN\n',
    good: 'SECRET_KEY=CHANGE_ME_64_characters\n',
  },
  check: ({ examples }) =>
    examples
      .flatMap(({ path, entries }) => entries.map((entry) => ({ ...entry, path })))
      .flatMap(({ path, name, value, line }): Hit[] => {
        const shape = isPlaceholder(name, value) ? undefined : secretShape(value);
        const isRandom =
          value.length >= 16 && /\d/.test(value) && /[a-z]/i.test(value) && guessable(value) === undefined;
        const isReal = namesSecret(name) && looksSecret(value) && !isPlaceholder(name, value) && isRandom;
        // A URL with a password such as app:app@db shows the form and is no secret.
        const isForm = shape === urlShape;
        if ((shape === undefined || isForm) && !isReal) return [];
        const what = shape === undefined || isForm ? 'what looks like a real secret' : shape;
        return [{ file: path, line, message: `${name} holds ${what}.`, subject: name }];
      }),
};

export const placeholder: Rule<App> = {
  id: 'env/placeholder',
  severity: 'high',
  level: 'fail',
  title: 'No placeholder reaches a server.',
  why: 'CHANGE_ME is the first password that is tried, and the app starts with it as with any other.',
  fix: 'Generate the secret: openssl rand -hex 32.',
  source: owasp,
  example: {
    file: '.env.production',
    bad: 'ADMIN_PASSWORD=changeme\n',
    good: 'ADMIN_EMAIL=admin@example.com\n',
  },
  check: (app) => audited(app, new Set(['placeholder'])),
};

export const weakSecret: Rule<App> = {
  id: 'env/weak-secret',
  severity: 'high',
  level: 'fail',
  title: 'Secrets are long and random.',
  why: 'A SECRET_KEY signs sessions and tokens: who guesses it is every user at once, offline and without a trace. 64 characters for keys and 32 for passwords are beyond guessing if a generator made them, and 64 times the same letter is not.',
  fix: 'Generate it: openssl rand -hex 32 (64 characters) for keys, openssl rand -hex 16 (32 characters) for passwords.',
  source: {
    name: 'OWASP: JSON web tokens, weak secrets',
    url: 'https://cheatsheetseries.owasp.org/cheatsheets/JSON_Web_Token_for_Java_Cheat_Sheet.html#weak-token-secret',
  },
  example: {
    file: '.env.production',
    bad: 'JWT_SECRET_KEY=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n',
    good: 'LOG_LEVEL=info\n',
  },
  check: (app) => audited(app, new Set(['short', 'guessable', 'shared'])),
};

/** What the audit of a target's variables says of the files that are there to be read. */
export function audited(app: App, faults: ReadonlySet<EnvFault>): Hit[] {
  return valueFiles(app)
    .filter(({ purpose }) => purpose === 'production')
    .flatMap((file) => faultsIn(file, faults));
}

function faultsIn({ path, entries, committed }: ValueFile, faults: ReadonlySet<EnvFault>): Hit[] {
  const lines = new Map(entries.map(({ name, line }) => [name, line]));
  // A committed file does right to leave a secret empty: its value comes from elsewhere.
  const given = entries.filter(({ name, value }) => !committed || value !== '' || !isSecretName(name));
  const env = Object.fromEntries(given.map(({ name, value }) => [name, value]));
  return auditEnv(env)
    .filter(({ fault }) => faults.has(fault))
    .map(({ key, message, fix, level }) => ({
      file: path,
      line: lines.get(key),
      message: `${message}.`,
      fix,
      subject: key,
      ...(level === 'warning' ? ({ severity: 'medium', level: 'note' } as const) : {}),
    }));
}
