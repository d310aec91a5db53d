import { commandLine } from '../../../config/services/programs.ts';
import type { App } from '../app.ts';
import { developmentIn } from '../dev-command.ts';
import type { Hit, Rule } from '../rule.ts';
import { hitAt } from './limits.ts';

export const development: Rule<App> = {
  id: 'compose/development',
  severity: 'high',
  level: 'fail',
  title: 'Production does not run in development mode.',
  why: 'Development servers reload on changes, answer one request at a time and show stack traces to visitors. Frameworks in development mode skip their caches and their checks.',
  fix: 'Move the command or the variable to compose.override.yml, and start the production server in the image.',
  source: {
    name: 'Docker: use Compose in production',
    url: 'https://docs.docker.com/compose/how-tos/production/#modify-your-compose-file-for-production',
  },
  example: {
    file: 'compose.yml',
    bad: 'services:\n  api:\n    image: ghcr.io/acme/api:1.4\n    command: uvicorn app:app --host 0.0.0.0 --reload\n',
    good: 'services:\n  api:\n    image: ghcr.io/acme/api:1.4\n    command: uvicorn app:app --host 0.0.0.0\n',
  },
  check: (app) =>
    app.services.flatMap(({ name, service }): Hit[] => {
      const what = developmentIn(commandLine(service));
      const key = service.command === undefined || service.command === null ? 'entrypoint' : 'command';
      const started = what === undefined ? [] : [hitAt(app, name, `${name} runs ${what}.`, key)];
      return [...started, ...modes(app, name)];
    }),
};

const mode =
  /^(?:NODE_ENV|FLASK_ENV|RAILS_ENV|RACK_ENV|APP_ENV|DJANGO_ENV|ASPNETCORE_ENVIRONMENT|ENVIRONMENT)$/;

/** Only literal values: the variables of a target are checked with the target. */
function modes(app: App, name: string): Hit[] {
  return Object.entries(app.project?.written(name) ?? {})
    .filter(
      ([key, value]) => mode.test(key) && /^(?:dev|develop|development|local|debug)$/i.test(value ?? ''),
    )
    .map(([key]) => ({
      ...hitAt(app, name, `${key} of ${name} is set to development.`, 'environment', key),
      subject: `${name}:${key}`,
    }));
}
