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
  title: 'No secret stands in a compose file.',
  why: 'Everybody who can read the repository has it, in its history for good; and it is the same on every machine. A default is a secret that everybody knows, used as soon as a variable is forgotten.',
  fix: 'Write ${NAME:?} and give the target its variables; then replace the secret, for it counts as known.',
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
    // Settings that services share by an anchor stand in the file once.
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
  if (known !== undefined)
    return `${known.name} has a default that everybody knows, used whenever it is not set.`;
  return namesSecret(name) && looksSecret(value) ? `${name} is written out.` : undefined;
}

/** `--requirepass hunter2`: what a command gives as a password. */
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
    return [hitAt(app, name, `The ${key} of ${name} has a password written out.`, key)];
  });
}
