import type { Guess } from '../guess/guess.ts';
import type { ServiceGuess } from '../guess/services.ts';
import type { TargetGuess } from '../guess/targets.ts';
import { comment, enumerate, inline } from './terminal.ts';
import { docsPage } from './toolkit.ts';
import { entriesOf, flow, list, scalar } from './yaml.ts';

const head = [
  '# The deploy configuration of Sluice. The comment above each guess names its source: correct wrong guesses.',
  `# All keys: ${docsPage('config')}. \`sluice plan\` shows the steps of a deploy.`,
];

/** The text of a new sluice.yml: the necessary keys, and above each guess its source. */
export function renderConfig(guess: Guess): string {
  const blocks = [head, ...configBlocks(guess).map(({ lines }) => lines)];
  return `${blocks.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

/** A key at the top of sluice.yml with its comments, or only comments about that key. */
export interface ConfigBlock {
  readonly key: string;
  readonly lines: readonly string[];
}

export function configBlocks(guess: Guess): ConfigBlock[] {
  const blocks: ConfigBlock[] = [
    { key: 'app', lines: [...comment(guess.app.why), `app: ${scalar(guess.app.value)}`] },
    { key: 'compose', lines: composeLines(guess) },
    { key: 'registry', lines: registryLines(guess) },
    { key: 'services', lines: serviceLines(guess.services) },
    { key: 'migrate', lines: migrateLines(guess) },
    { key: 'backup', lines: backupLines(guess) },
    {
      key: 'watch',
      lines: [
        '# For 30 s after a switch, more than 1% of 5xx responses revert the deploy. The guard can check more:',
        '# watch: { for: 1m, max-p95: 800ms, url: https://example.com/ }',
      ],
    },
    { key: 'targets', lines: targetLines(guess) },
    { key: 'cdn', lines: siteLines(guess) },
  ];
  return blocks.filter(({ lines }) => lines.length > 0);
}

function composeLines({ compose }: Guess): string[] {
  if (!compose.explicit) return [];
  return [...comment(compose.why), `compose: ${list(compose.value)}`];
}

function registryLines({ registry, services }: Guess): string[] {
  if (registry.value !== undefined) {
    return [...comment(`Images are pushed here (${registry.why}).`), `registry: ${scalar(registry.value)}`];
  }
  if (services.length > 0 && services.every(({ plan }) => plan.strategy === 'keep')) return [];
  return [
    ...comment(`The registry for the images. Unknown, because ${registry.why}.`),
    '# registry: registry.example.com/acme/app',
  ];
}

function serviceLines(services: readonly ServiceGuess[]): string[] {
  if (services.length === 0) return [];
  const width = Math.max(...services.map(({ name }) => name.length));
  const own = services.filter(
    (service) => Object.keys(service.own).length > 0 || service.maybe !== undefined,
  );
  const isOpen = own.some((service) => Object.keys(service.own).length > 0);
  const lines = [
    `# The strategy of each service, from the compose files. To change one, ${own.length > 0 ? 'set its `strategy:` below.' : 'write for example:'}`,
    ...(own.length > 0 ? [] : [inline(`# services: ${exampleOf(services)}`)]),
    ...services.flatMap(({ name, plan }) => row(name.padEnd(width), plan.strategy, reasonOf(plan.reason))),
  ];
  if (own.length === 0) return lines;
  return [...lines, isOpen ? 'services:' : '# services:', ...own.flatMap((service) => ownLines(service))];
}

/** `{ web: { strategy: recreate } }` */
function exampleOf(services: readonly ServiceGuess[]): string {
  const [first] = services;
  const { name = 'web', plan } = services.find(({ plan }) => plan.strategy === 'blue-green') ?? first ?? {};
  return `{ ${scalar(name)}: { strategy: ${plan?.strategy === 'recreate' ? 'keep' : 'recreate'} } }`;
}

/** Keys of the file itself have their reason there. */
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

/** On one line where it fits: formatters of YAML break longer ones. */
function entry(indent: string, name: string, map: object): string[] {
  const line = `${indent}${name}: ${flow(map)}`;
  if (line.length <= 80) return [line];
  return [`${indent}${name}:`, ...entriesOf(map).map((text) => `${indent}  ${text}`)];
}

function migrateLines({ migrate }: Guess): string[] {
  if (migrate === undefined) return [];
  const { service, command, why, instead } = migrate;
  const line = command === undefined ? [] : entry('', 'migrate', { service, command });
  if (instead === undefined)
    return [...comment(`Runs once per deploy, before new containers start. Found in ${why}.`), ...line];
  return [...comment(instead), ...line.map((text) => `# ${inline(text)}`)];
}

function backupLines({ backup }: Guess): string[] {
  if (backup === undefined) return [];
  const none =
    backup.others.length === 0
      ? []
      : comment(`Not backed up: ${enumerate(backup.others)}. Sluice backs up one Postgres service.`);
  if (backup.postgres === undefined) return none;
  return [
    ...comment(`Created before each deploy and proven by a restore. Chosen because ${backup.why}.`),
    ...none,
    `backup: { postgres: ${scalar(backup.postgres)} }`,
  ];
}

function targetLines(guess: Guess): string[] {
  return ['targets:', ...guess.targets.flatMap((target) => oneTarget(target, guess))];
}

/** The existing section, else a commented draft. */
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
      `${where} (${tool}) can be published to a bucket behind a CDN: ${docsPage('cdn')}. Fill this in and run \`sluice init\` again to add its workflow.`,
    ),
    '# cdn:',
    `#   dist: ${inline(scalar(dist))}`,
    '#   targets:',
    ...places,
  ];
}

/** The lines of a target, indented by two spaces. */
export function oneTarget(target: TargetGuess, { needsVariables, onGitHub, targets }: Guess): string[] {
  const { name, host, isOpen, requireTag, envSecrets, section } = target;
  if (section !== undefined) return section.split('\n');
  const lines = [`  ${scalar(name)}:`];
  const secret = envSecrets[0] ?? `${target.prefix}_ENV`;
  if (isOpen) lines.push('    # CHANGE THIS: the user and the server to deploy to.');
  lines.push(`    hosts: [${scalar(host)}]`);
  if (needsVariables) {
    lines.push(
      onGitHub
        ? '    # NAME of the secret with the text of a whole .env file. Each target’s GitHub environment has its own.'
        : '    # NAME of the secret with the text of a whole .env file.',
    );
    lines.push(`    env-secret: ${secret}`);
  } else {
    lines.push(
      '    # The compose files need no variables. If they do later, name a secret with the text of a .env file:',
    );
    lines.push(`    # env-secret: ${secret}`);
  }
  if (requireTag) lines.push('    require-tag: true # only version tags such as v1.2.3');
  else if (targets.length === 1)
    lines.push(
      '    # require-tag: true # rejects runs without a version tag, such as a manual run on a branch',
    );
  return lines;
}
