import type { App } from '../app.ts';
import type { Hit, Rule } from '../rule.ts';
import { looksSecret, namesSecret, secretShape } from '../secret-names.ts';
import { isLoose } from './document.ts';
import { hitAt } from './limits.ts';
import { mapOf } from './shape.ts';
import { references } from './variables.ts';

export const literalSecret: Rule<App> = {
  id: 'compose/literal-secret',
  severity: 'high',
  level: 'fail',
  title: 'Compose files contain no secrets.',
  why: 'Everyone who can read the repository has the secret, permanently through its history, and every machine uses the same one. A default is a public secret that takes effect as soon as the variable is missing.',
  fix: 'Use ${NAME:?} and set the variable in the target. Then rotate the secret: it counts as exposed.',
  source: {
    name: 'Docker: secrets in Compose',
    url: 'https://docs.docker.com/compose/how-tos/use-secrets/',
  },
  example: {
    file: 'compose.yml',
    bad: 'services:\n  db:\n    image: postgres:17\n    environment:\n      POSTGRES_PASSWORD: hunter2-and-more\n',
    good: 'services:\n  db:\n    image: postgres:17\n    environment:\n      POSTGRES_PASSWORD: ${DB_PASSWORD:?}\n',
  },
  check: (app) => {
    const hits = app.services.flatMap(({ name }) => [
      ...inVariables(app, name, ['environment'], app.project?.written(name) ?? {}),
      ...inVariables(app, name, ['build', 'args'], argsOf(app, name)),
      ...inCommand(app, name),
    ]);
    // Services that share settings by an anchor have the same line.
    return [...new Map(hits.map((hit) => [`${hit.file}:${hit.line}:${hit.message}`, hit])).values()];
  },
};

function argsOf(app: App, name: string): Readonly<Record<string, string | null>> {
  const build = app.project?.raw(name)['build'];
  return isLoose(build) ? mapOf(build['args']) : {};
}

function inVariables(
  app: App,
  service: string,
  keys: readonly string[],
  variables: Readonly<Record<string, string | null>>,
): Hit[] {
  return Object.entries(variables).flatMap(([name, value]): Hit[] => {
    const message = value === null ? undefined : faultOf(name, value);
    return message === undefined ? [] : [{ ...hitAt(app, service, message, ...keys, name), subject: name }];
  });
}

function faultOf(name: string, value: string): string | undefined {
  // TEST_DATABASE_URL: nothing in production reads it.
  if (/(?:^|_)TESTS?_/.test(name) && /DATABASE|_DB|DB_/.test(name)) return undefined;
  const shape = secretShape(value);
  if (shape !== undefined) return `${name} holds ${shape}.`;
  const known = references(value).find(
    (reference) =>
      reference.fallback !== undefined &&
      (namesSecret(reference.name) || namesSecret(name)) &&
      looksSecret(reference.fallback),
  );
  if (known !== undefined) return `${known.name} has a public default that takes effect when it is not set.`;
  return namesSecret(name) && looksSecret(value) ? `${name} has a literal value.` : undefined;
}

/** Passwords as arguments of a command: `--requirepass hunter2`. */
function inCommand(app: App, name: string): Hit[] {
  return ['command', 'entrypoint', 'healthcheck'].flatMap((key): Hit[] => {
    const raw = app.project?.raw(name)[key];
    const value = key === 'healthcheck' && isLoose(raw) ? raw['test'] : raw;
    const line = Array.isArray(value) ? value.join(' ') : typeof value === 'string' ? value : '';
    const option =
      /--?(?:requirepass|masterauth|password|passwd|token|secret|api-key|admin-token)[= ]["']?([^\s"']+)/i.exec(
        line,
      )?.[1];
    if (option === undefined || option.startsWith('-') || !looksSecret(option)) return [];
    return [hitAt(app, name, `The ${key} of ${name} contains a literal password.`, key)];
  });
}
