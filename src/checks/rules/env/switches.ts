import { auditEnv, type EnvFault } from '../../../config/env/audit.ts';
import type { App } from '../app.ts';
import { hitAt } from '../compose/limits.ts';
import { fill } from '../compose/variables.ts';
import type { Hit, Rule } from '../rule.ts';
import { audited } from './secrets.ts';

export const debug: Rule<App> = {
  id: 'env/debug',
  severity: 'high',
  level: 'fail',
  title: 'Debugging is off.',
  why: 'Debug pages show code, settings and secrets to anyone who causes an error.',
  fix: 'Set DEBUG=false, even if it is the default.',
  source: {
    name: 'Django: DEBUG',
    url: 'https://docs.djangoproject.com/en/stable/howto/deployment/checklist/#debug',
  },
  example: {
    file: 'compose.yml',
    bad: 'services:\n  api:\n    image: ghcr.io/acme/api:1.4\n    environment:\n      DEBUG: "true"\n',
    good: 'services:\n  api:\n    image: ghcr.io/acme/api:1.4\n    environment:\n      DEBUG: "false"\n',
  },
  check: (app) => switches(app, 'debug'),
};

export const cors: Rule<App> = {
  id: 'env/cors',
  severity: 'high',
  level: 'fail',
  title: 'CORS lists the origins that may use the API.',
  why: 'With * every website that a user visits can call the API from their browser and read the responses.',
  fix: 'List the origins of your own front ends.',
  source: {
    name: 'OWASP: CORS origin header scrutiny',
    url: 'https://cheatsheetseries.owasp.org/cheatsheets/HTML5_Security_Cheat_Sheet.html#cross-origin-resource-sharing',
  },
  example: {
    file: 'compose.yml',
    bad: 'services:\n  api:\n    image: ghcr.io/acme/api:1.4\n    environment:\n      CORS_ORIGINS: "*"\n',
    good: 'services:\n  api:\n    image: ghcr.io/acme/api:1.4\n    environment:\n      CORS_ORIGINS: https://shop.example.com\n',
  },
  check: (app) => switches(app, 'cors'),
};

export const allowedHosts: Rule<App> = {
  id: 'env/allowed-hosts',
  severity: 'medium',
  level: 'fail',
  title: 'ALLOWED_HOSTS lists the host names of the app.',
  why: 'With * an attacker chooses the Host header, and with it the links in emails, for example to reset a password.',
  fix: 'List the host names of the app.',
  source: {
    name: 'Django: ALLOWED_HOSTS',
    url: 'https://docs.djangoproject.com/en/stable/howto/deployment/checklist/#allowed-hosts',
  },
  example: {
    file: 'compose.yml',
    bad: 'services:\n  api:\n    image: ghcr.io/acme/api:1.4\n    environment:\n      ALLOWED_HOSTS: "*"\n',
    good: 'services:\n  api:\n    image: ghcr.io/acme/api:1.4\n    environment:\n      ALLOWED_HOSTS: shop.example.com\n',
  },
  check: (app) => switches(app, 'hosts'),
};

/** In env files, in values and defaults of compose files, and, as a note, in the example that people copy. */
function switches(app: App, fault: EnvFault): Hit[] {
  const hits = [...audited(app, new Set([fault])), ...inCompose(app, fault), ...inExample(app, fault)];
  return [...new Map(hits.map((hit) => [`${hit.file}:${hit.line}`, hit])).values()];
}

function inCompose(app: App, fault: EnvFault): Hit[] {
  return app.services.flatMap(({ name }) =>
    Object.entries(app.project?.written(name) ?? {}).flatMap(([key, value]): Hit[] => {
      const found =
        value === null
          ? undefined
          : faultOf(
              key,
              fill(value, () => undefined),
              fault,
            );
      return found === undefined
        ? []
        : [{ ...hitAt(app, name, `${found}.`, 'environment', key), subject: key }];
    }),
  );
}

function inExample({ example }: App, fault: EnvFault): Hit[] {
  return (example?.entries ?? []).flatMap(({ name, value, line }): Hit[] => {
    const found = faultOf(name, value, fault);
    if (found === undefined || example === undefined) return [];
    const message = `${found}, in the file that people copy to servers.`;
    return [{ file: example.path, line, message, subject: name, severity: 'low', level: 'note' }];
  });
}

function faultOf(key: string, value: string, fault: EnvFault): string | undefined {
  return auditEnv({ [key]: value }).find((found) => found.fault === fault)?.message;
}
