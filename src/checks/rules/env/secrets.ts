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
  title: 'The repository contains no env file with secrets.',
  why: 'Everyone with access to the repository has them, and git keeps them permanently: removing the line does not undo that.',
  fix: 'Run git rm --cached for the file, add it to .gitignore, and rotate every secret.',
  source: owasp,
  example: {
    file: '.env',
    bad: 'DB_PASSWORD=q7Zk2Vn9xTb4Lr8sWd3Hm6Yc1Pf5Gj0A\n',
    good: 'LOG_LEVEL=info\n',
  },
  check: (app) => {
    const { repo } = app;
    return valueFiles(app)
      .filter(({ committed }) => committed)
      .flatMap(({ path, entries, purpose }) =>
        entries.flatMap(({ name, value, line }): Hit[] => {
          const form = secretShape(value);
          // Passwords of development and test databases protect nothing; a service's token is a secret everywhere.
          const shape = form === urlShape && purpose === 'development' ? undefined : form;
          const isReal =
            namesSecret(name) && looksSecret(value) && !isDummy(value) && !isPlaceholder(name, value);
          if (shape === undefined && (!isReal || purpose === 'development')) return [];
          const what = shape === undefined ? 'a secret' : shape;
          const hit = { file: path, line, subject: name };
          // A possible secret in a file that production does not read must not block a release.
          if (purpose === 'elsewhere' && shape === undefined)
            return [
              {
                ...hit,
                message: `${name} holds a possible secret, in a file that this production setup does not read.`,
                severity: 'medium',
                level: 'note',
              },
            ];
          if (repo.untracked?.has(path) === true) {
            const message = `${name} holds ${what}, in a file that git does not ignore.`;
            return [{ ...hit, message, fix: 'Add it to .gitignore before the next commit.' }];
          }
          return [{ ...hit, message: `${name} holds ${what}, in a committed file.` }];
        }),
      );
  },
};

export const exampleSecret: Rule<App> = {
  id: 'env/example-secret',
  severity: 'high',
  level: 'fail',
  title: '.env.example contains placeholders, not secrets.',
  why: 'Everyone reads the file, and people copy it unchanged: a real secret in it is public, and a random one ends up on every server.',
  fix: 'Use a placeholder such as CHANGE_ME, and rotate the secret everywhere it is used.',
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
        // A URL with a password such as app:app@db only shows the form.
        const isForm = shape === urlShape;
        if ((shape === undefined || isForm) && !isReal) return [];
        const what = shape === undefined || isForm ? 'a value that looks like a real secret' : shape;
        return [{ file: path, line, message: `${name} holds ${what}.`, subject: name }];
      }),
};

export const placeholder: Rule<App> = {
  id: 'env/placeholder',
  severity: 'high',
  level: 'fail',
  title: 'No placeholder reaches a server.',
  why: 'Attackers try CHANGE_ME first, and the app starts with it like with any other value.',
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
  why: 'A SECRET_KEY signs sessions and tokens: an attacker who guesses it can impersonate every user, offline and without a trace. 64 generated characters for keys and 32 for passwords cannot be guessed; 64 times the same letter can.',
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

/** Faults that the audit of a target's variables finds in the env files of the repository. */
export function audited(app: App, faults: ReadonlySet<EnvFault>): Hit[] {
  return valueFiles(app)
    .filter(({ purpose }) => purpose === 'production')
    .flatMap((file) => faultsIn(file, faults));
}

function faultsIn({ path, entries, committed }: ValueFile, faults: ReadonlySet<EnvFault>): Hit[] {
  const lines = new Map(entries.map(({ name, line }) => [name, line]));
  // An empty secret in a committed file is right: its value comes from elsewhere.
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
