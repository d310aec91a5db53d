import { commandLine } from '../../../config/services/programs.ts';
import type { App } from '../app.ts';
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

/** Signs of development in a command, with their words for messages. */
const forms: readonly (readonly [RegExp, string])[] = [
  [
    /\buvicorn\b.{0,300}\s--reload\b|\bgunicorn\b.{0,300}\s--reload\b|\bhypercorn\b.{0,300}\s--reload\b|\bgranian\b.{0,300}\s--reload\b/,
    '--reload',
  ],
  [/\bfastapi\s+dev\b/, 'fastapi dev'],
  [/\bflask\b.{0,300}\srun\b/, 'flask run, Flask’s development server'],
  [/\bmanage\.py\s+runserver\b|\bdjango-admin\s+runserver\b/, 'runserver, Django’s development server'],
  [
    /\b(?:npm|pnpm|yarn|bun)\s+(?:run\s+)?(?:dev|develop|serve:dev|start:dev|watch)\b/,
    'a development script',
  ],
  [
    /\bnext\s+dev\b|\bnuxi?\s+dev\b|\bastro\s+dev\b|\bnest\s+start\s.{0,300}--watch\b/,
    'a development server',
  ],
  [/(?:^|[\s/])vite(?:\s+(?:dev|serve)\b|\s+-|\s*$)/, 'vite, a development server'],
  [/\bnodemon\b|\bts-node-dev\b|\btsx\s+watch\b|\bnode\b.{0,300}\s--watch\b/, 'a watcher that restarts it'],
  [
    /\bwebpack(?:-dev-server|\s+serve)\b|\bng\s+serve\b|\breact-scripts\s+start\b|\bvue-cli-service\s+serve\b/,
    'a development server',
  ],
  [/\bphp\s+artisan\s+serve\b|\bphp\s+-S\s/, 'PHP’s development server'],
  [/\bwatchmedo\b|\bwatchfiles\b|\bair\b\s+-c|\bcargo\s+watch\b/, 'a watcher that restarts it'],
  [/\bdebugpy\b|\bnode\b.{0,300}\s--inspect(?:-brk)?\b/, 'a debugger that listens on a port'],
];

export function developmentIn(command: string): string | undefined {
  const line = command.slice(0, 4_096);
  return forms.find(([pattern]) => pattern.test(line))?.[1];
}
