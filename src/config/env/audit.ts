import type { Env } from '../model.ts';
import { isSecretName } from '../secrets/secret-names.ts';
import { parseEnvFile } from './env-file.ts';
import { guessable, isPublished } from './guessable.ts';

/** The kind of a finding. */
export type EnvFault =
  | 'placeholder'
  | 'short'
  | 'guessable'
  | 'debug'
  | 'cors'
  | 'hosts'
  | 'shared'
  | 'missing'
  | 'public'
  | 'example';

/** One thing that is wrong with a target's variables. Names only: values are secret. */
export interface EnvFinding {
  readonly fault: EnvFault;
  readonly level: 'error' | 'warning';
  readonly key: string;
  /** A whole sentence that begins with the key. */
  readonly message: string;
  readonly fix: string;
}

type Rule = (key: string, value: string) => EnvFinding | undefined;

/**
 * Judges the variables of a target: placeholders, short secrets, debug switches, open origins, and what
 * `.env.example` has that the target has not.
 *
 * @param example text of `.env.example`; a malformed one is one finding, never an error.
 */
export function auditEnv(env: Env, example?: string): EnvFinding[] {
  const findings = example === undefined ? [] : compareWithExample(env, example);
  const placeholders = new Set(findings.map(({ key }) => key));
  for (const [key, value] of Object.entries(env)) {
    const finding = placeholders.has(key) ? undefined : firstFinding(key, value);
    if (finding !== undefined) findings.push(finding);
  }
  const sentences = [...findings, ...sharedSecrets(env)].map((finding) => ({
    ...finding,
    message: `${finding.key} ${finding.message}`,
  }));
  return sentences.sort(
    (a, b) => (a.level === b.level ? 0 : a.level === 'error' ? -1 : 1) || (a.key < b.key ? -1 : 1),
  );
}

function firstFinding(key: string, value: string): EnvFinding | undefined {
  for (const rule of [placeholder, shortSecret, guessableSecret, debug, openOrigins]) {
    const finding = rule(key, value);
    if (finding !== undefined) return finding;
  }
  return undefined;
}

const changeMe = /change[-_ ]?(?:me|this|it)/i;
const placeholderForms = [
  /^<.*>$/s,
  /^\[.*\]$/,
  /^\$?\{\{?.*\}?\}$/,
  /^(?:x{3,}|\*{3,}|\.{3,}|-{3,}|_{3,})$/i,
  /^(?:todo|tbd|fixme|none|null|undefined|placeholder|dummy|sample|example|default|secret|password|passwd|passw0rd|admin|changeme|letmein|test|postgres|root|12345\d*|qwerty)$/i,
  changeMe,
  // changePassword, change-in-production
  /^(?:change|Change)(?:[A-Z][a-z]|[-_ ](?:in|before|your|the|to|please|now)\b)/,
  /(?:replace|fill|set|insert|put|enter)[-_ ]?(?:me|this|it|in|with|your|here)(?![a-z0-9])/i,
  /^your[-_ ]/i,
  /[-_ ]here$/i,
  /^(?:example|sample|dummy|insecure|unsafe|dev(?:elopment)?[-_]only)(?:[-_ .]|$)/i,
];

/** `example` may be a bucket's name: outside secrets, only unambiguous placeholders count. */
const plainForms = [placeholderForms[0], changeMe, /^your[-_]/i, /^(?:todo|tbd|fixme|x{4,})$/i];

/** Whether a value only keeps the place of another. */
export function placeholderIn(key: string, value: string): boolean {
  const forms = isSecretName(key) ? placeholderForms : plainForms;
  return forms.some((form) => form?.test(value.trim()));
}

const placeholder: Rule = (key, value) => {
  if (!placeholderIn(key, value)) return undefined;
  return {
    fault: 'placeholder',
    level: 'error',
    key,
    message: 'still contains a placeholder',
    fix: isSecretName(key) ? generate : 'Set its real value.',
  };
};

const generate = 'Generate one: openssl rand -hex 32';

const shortSecret: Rule = (key, value) => {
  const least = leastLength(key);
  if (least === undefined || value.length >= least) return undefined;
  if (value === '') return { fault: 'short', level: 'error', key, message: 'is empty', fix: generate };
  return {
    fault: 'short',
    // Half of the recommended length is still infeasible to guess; less is not.
    level: value.length < least / 2 ? 'error' : 'warning',
    key,
    message: `has ${value.length} characters, fewer than the recommended ${least}`,
    fix: least === 64 ? 'Generate one: openssl rand -hex 32' : 'Generate one: openssl rand -hex 16',
  };
};

/** Length alone says little: 64 times the same letter is guessed at once. */
const guessableSecret: Rule = (key, value) => {
  if (!isSecretName(key) || (leastLength(key) === undefined && !isPublished(value))) return undefined;
  const message = guessable(value);
  return message === undefined
    ? undefined
    : { fault: 'guessable', level: 'error', key, message, fix: generate };
};

/** Characters a secret should have, by its name; undefined for tokens that a provider issues. */
export function leastLength(key: string): number | undefined {
  if (/(?:^|_)SECRET_?KEY(?:_BASE)?$/i.test(key) && !/(?:AWS|S3|STRIPE|MINIO|GOOGLE|ACCESS)/i.test(key))
    return 64;
  if (/(?:^|_)JWT_(?:SECRET|KEY)$/i.test(key)) return 64;
  const database = /(?:^|_)(?:DB|DATABASE|POSTGRES|PG|MYSQL|MARIADB|MONGO|REDIS|VALKEY|RABBITMQ|AMQP)_/i;
  if (/_PASS(?:WORD)?$/i.test(key) && database.test(key)) return 32;
  return undefined;
}

const debug: Rule = (key, value) => {
  if (!/(?:^|_)DEBUG$/i.test(key) || !/^(?:1|true|yes|on|t|y)$/i.test(value.trim())) return undefined;
  return {
    fault: 'debug',
    level: 'error',
    key,
    message: 'enables debugging',
    fix: `Set ${key}=false: debug pages show code and secrets.`,
  };
};

const openOrigins: Rule = (key, value) => {
  const isCors =
    /(?:^|_)ALLOWED_ORIGINS?$/i.test(key) || (/_ORIGINS?$/i.test(key) && /(?:^|_)CORS_/i.test(key));
  const isHosts = /(?:^|_)ALLOWED_HOSTS?$/i.test(key);
  if (!isCors && !isHosts) return undefined;
  const any = value.split(/[\s,;"'[\]]+/).some((part) => /^(?:https?:\/\/)?\*$/.test(part));
  if (!any) return undefined;
  return {
    fault: isCors ? 'cors' : 'hosts',
    level: isCors ? 'error' : 'warning',
    key,
    message: isCors ? 'allows every origin to use the API (*)' : 'accepts every host name (*)',
    fix: isCors ? 'List the origins of your front ends.' : 'List the host names of the app.',
  };
};

function sharedSecrets(env: Env): EnvFinding[] {
  const byValue = new Map<string, string[]>();
  for (const [key, value] of Object.entries(env)) {
    if (!isSecretName(key) || value.length < 8 || placeholderIn(key, value)) continue;
    byValue.set(value, [...(byValue.get(value) ?? []), key]);
  }
  return [...byValue.values()].flatMap(([key, ...others]): EnvFinding[] => {
    // A password that the server and its clients know by two names is one secret.
    const different = others.filter((other) => kindOf(other) !== kindOf(key ?? ''));
    if (key === undefined || different.length === 0) return [];
    const message = `has the same value as ${different.join(', ')}`;
    return [
      { fault: 'shared', level: 'warning', key, message, fix: 'Use a separate secret for each purpose.' },
    ];
  });
}

function kindOf(key: string): string {
  return /PASS|PWD|AUTH|URL|DSN/i.test(key) ? 'password' : key;
}

function compareWithExample(env: Env, text: string): EnvFinding[] {
  let example: ReturnType<typeof parseEnvFile>;
  try {
    example = parseEnvFile(text, '.env.example', { interpolate: false });
  } catch {
    const fix = 'Fix it: each line must be NAME=value or a comment.';
    return [
      {
        fault: 'example',
        level: 'warning',
        key: '.env.example',
        message: 'is malformed, so it was not compared',
        fix,
      },
    ];
  }
  const wanted = new Map(example.entries.map(({ name, value }) => [name, value]));
  for (const { name } of example.inherited) wanted.set(name, '');
  return [...wanted].flatMap(([key, value]): EnvFinding[] => {
    const given = Object.hasOwn(env, key) ? env[key] : undefined;
    const hasDefault = value !== '' && placeholder(key, value) === undefined && !isSecretName(key);
    if (given === undefined) {
      const message = 'is in .env.example but not in the target’s variables';
      return [
        {
          fault: 'missing',
          level: hasDefault ? 'warning' : 'error',
          key,
          message,
          fix: 'Set it, or remove it from .env.example.',
        },
      ];
    }
    if (isSecretName(key) && given === value && value !== '') {
      return [
        {
          fault: 'public',
          level: 'error',
          key,
          message: 'has the value from .env.example, which is public',
          fix: generate,
        },
      ];
    }
    return [];
  });
}
