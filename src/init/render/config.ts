import type { Guess } from '../guess/guess.ts';
import type { ServiceGuess } from '../guess/services.ts';
import type { TargetGuess } from '../guess/targets.ts';
import { comment, enumerate, inline, list, scalar } from './words.ts';

/** The text of sluice.yml: what is needed, and above each guess where it comes from. */
export function renderConfig(guess: Guess): string {
  const blocks = [
    [
      '# What Sluice deploys, where to, and how. Every guess says where it comes from: correct what is wrong.',
      '# docs/config.md has all keys; `sluice plan` says what a deploy would do, and does nothing.',
    ],
    [...comment(guess.app.why), `app: ${scalar(guess.app.value)}`],
    composeLines(guess),
    registryLines(guess),
    serviceLines(guess.services),
    migrateLines(guess),
    backupLines(guess),
    [
      '# The guard looks at errors (more than 1% of 5xx reverts) for 30 s after a switch. It can do more:',
      '# watch: { for: 1m, max-p95: 800ms, url: https://example.com/ }',
    ],
    targetLines(guess),
    siteLines(guess),
  ];
  return `${blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function composeLines({ compose }: Guess): string[] {
  if (!compose.explicit) return [];
  return [...comment(compose.why), `compose: ${list(compose.value)}`];
}

function registryLines({ registry, services }: Guess): string[] {
  if (registry.value !== undefined) {
    return [...comment(`Images are pushed here: ${registry.why}.`), `registry: ${scalar(registry.value)}`];
  }
  if (services.length > 0 && services.every(({ plan }) => plan.strategy === 'keep')) return [];
  return [
    ...comment(`Where are the images pushed to? Not known: ${registry.why}.`),
    '# registry: registry.example.com/acme/app',
  ];
}

function serviceLines(services: readonly ServiceGuess[]): string[] {
  if (services.length === 0) return [];
  const width = Math.max(...services.map(({ name }) => name.length));
  const lines = [
    '# What a deploy does with each service, found in the compose files; `strategy:` below would change it:',
    ...services.flatMap(({ name, plan }) => row(name.padEnd(width), plan.strategy, reasonOf(plan.reason))),
  ];
  const own = services.filter(
    (service) => Object.keys(service.own).length > 0 || service.maybe !== undefined,
  );
  if (own.length === 0) return lines;
  const isOpen = own.some((service) => Object.keys(service.own).length > 0);
  return [...lines, isOpen ? 'services:' : '# services:', ...own.flatMap((service) => ownLines(service))];
}

/** What stands in the file itself has its reason there. */
function reasonOf(reason: string): string {
  return /from sluice\.yml$|^set in sluice\.yml/.test(reason) ? 'see below' : reason;
}

function row(name: string, strategy: string, reason: string): string[] {
  const head = `#   ${inline(name)}  ${strategy.padEnd(10)}  `;
  const blank = `#${' '.repeat(head.length - 1)}`;
  return comment(reason, '', Math.max(60, 110 - head.length)).map(
    (line, index) => `${index === 0 ? head : blank}${line.slice(2)}`,
  );
}

function ownLines({ name, own, why, maybe }: ServiceGuess): string[] {
  const lines = why.flatMap((reason) => comment(reason, '  '));
  if (Object.keys(own).length > 0) lines.push(...entry('  ', scalar(name), own));
  if (maybe === undefined) return lines;
  return [
    ...lines,
    ...comment(`${maybe.when}:`, '  '),
    `  # ${inline(`${scalar(name)}: ${flow({ ...own, ...maybe.own })}`)}`,
  ];
}

function flow(map: object): string {
  return `{ ${entriesOf(map).join(', ')} }`;
}

/** On one line where it fits: formatters of YAML break longer ones. */
function entry(indent: string, name: string, map: object): string[] {
  const line = `${indent}${name}: ${flow(map)}`;
  if (line.length <= 80) return [line];
  return [`${indent}${name}:`, ...entriesOf(map).map((text) => `${indent}  ${text}`)];
}

function entriesOf(map: object): string[] {
  return Object.entries(map).map(([key, value]) => {
    const text = Array.isArray(value)
      ? list(value.map(String))
      : typeof value === 'string'
        ? scalar(value)
        : String(value);
    return `${key}: ${text}`;
  });
}

function migrateLines({ migrate }: Guess): string[] {
  if (migrate === undefined) return [];
  const { service, command, why, instead } = migrate;
  const line = command === undefined ? [] : entry('', 'migrate', { service, command });
  if (instead === undefined)
    return [...comment(`Runs once per deploy, before anything is started; found by ${why}.`), ...line];
  return [...comment(instead), ...line.map((text) => `# ${inline(text)}`)];
}

function backupLines({ backup }: Guess): string[] {
  if (backup === undefined) return [];
  const none =
    backup.others.length === 0
      ? []
      : comment(`No backup is made of ${enumerate(backup.others)}: Sluice backs up one Postgres.`);
  if (backup.postgres === undefined) return none;
  return [
    ...comment(`Made before each deploy, and proven by a restore; ${backup.why}.`),
    ...none,
    `backup: { postgres: ${scalar(backup.postgres)} }`,
  ];
}

function targetLines(guess: Guess): string[] {
  return ['targets:', ...guess.targets.flatMap((target) => oneTarget(target, guess))];
}

/** What stands there is a person's; what does not is no more than a beginning. */
function siteLines({ site, targets }: Guess): string[] {
  if (site?.section !== undefined) return [site.section];
  if (site?.front === undefined) return [];
  const { folder, tool, dist } = site.front;
  const where = folder === '' ? 'The front end' : `The front end in ${folder}`;
  const places = targets.map(
    ({ name }) => `#     ${name}: { store: "s3://CHANGE-ME-${name}", url: "https://${name}.example.com/" }`,
  );
  return [
    ...comment(
      `${where} (${tool}) can be published to a bucket behind a CDN: docs/cdn.md. Fill this in, then run \`sluice init\` again: it writes the workflow for it.`,
    ),
    '# cdn:',
    `#   dist: ${inline(scalar(dist))}`,
    '#   targets:',
    ...places,
  ];
}

function oneTarget(target: TargetGuess, { needsVariables, onGitHub, targets }: Guess): string[] {
  const { name, host, isOpen, requireTag, envSecrets, section } = target;
  if (section !== undefined) return section.split('\n');
  const lines = [`  ${scalar(name)}:`];
  const secret = envSecrets[0] ?? `${target.prefix}_ENV`;
  if (isOpen) lines.push('    # CHANGE THIS: the user and the server to deploy to.');
  lines.push(`    hosts: [${scalar(host)}]`);
  if (needsVariables) {
    lines.push(
      onGitHub
        ? '    # NAME of the secret that holds the text of a whole .env file; each target’s GitHub environment has its own.'
        : '    # NAME of the secret that holds the text of a whole .env file with all variables.',
    );
    lines.push(`    env-secret: ${secret}`);
  } else {
    lines.push(
      '    # The compose files need no variables. If they will, in a secret with the text of a .env file:',
    );
    lines.push(`    # env-secret: ${secret}`);
  }
  if (requireTag) lines.push('    require-tag: true # version tags such as v1.2.3 only');
  else if (targets.length === 1)
    lines.push(
      '    # require-tag: true # refuses what is not a version tag, such as a manual run on a branch',
    );
  return lines;
}
