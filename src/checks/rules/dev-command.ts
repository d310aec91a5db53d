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
