import { parse } from 'yaml';

/** A workflow as far as the rules below read it. */
export interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions?: unknown;
  readonly env?: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

export interface Job {
  readonly uses?: string;
  readonly if?: string;
  readonly needs?: string | readonly string[];
  readonly environment?: string | { readonly name: string };
  readonly concurrency?: unknown;
  readonly strategy?: unknown;
  readonly 'runs-on'?: unknown;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly env?: unknown;
  readonly outputs?: unknown;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly secrets?: Readonly<Record<string, string>> | 'inherit';
  readonly steps?: readonly Step[];
}

export interface Step {
  readonly id?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly if?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
}

/** Secrets that each of our actions uses, by the input or the variable that takes them; nothing else may have one. */
const login = { 'ssh-key': 'SSH_KEY', 'known-hosts': 'KNOWN_HOSTS', host: 'HOST', user: 'USER' };
const registry = { 'registry-password': 'REGISTRY_PASSWORD' };
const slack = { 'slack-webhook-url': 'SLACK_WEBHOOK_URL' };
const uses: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  build: registry,
  deploy: { ...login, ...registry, ...slack },
  rollback: { ...login, ...slack },
  backup: login,
  cdn: {
    AWS_ACCESS_KEY_ID: 'AWS_ACCESS_KEY_ID',
    AWS_SECRET_ACCESS_KEY: 'AWS_SECRET_ACCESS_KEY',
    CLOUDFLARE_API_TOKEN: 'CLOUDFLARE_API_TOKEN',
  },
};
/** Names of before there were environments, each for the one target that they name. */
const earlier: Readonly<Record<string, string>> = { PROD: 'production', STAGING: 'staging' };
/** Inputs of actions where something of an earlier job, which may have run foreign code, decides nothing but content. */
const contentInputs = new Set(['images', 'artifact-ids']);
/** Programs that a script of ours calls; one that calls anything else runs code of the checkout. */
const ownPrograms =
  /^(?:set|cd|git|export|printf|base64|find|sort|xargs|sha256sum|cut|echo|exit|if|then|else|fi|case|esac|say\(\)|say|refuse\(\)|refuse|lines\(\)|lines|grep|for|do|done|\[|\}|\w+=\S*|success-\*\)|failure-[\w-]+\)|\*\)|;;)$/;

/** Everything of a workflow that lets secrets go further than they must, or lets foreign code decide about them. */
export function faultsOf(text: string): string[] {
  const { on, jobs, permissions, env } = parse(text) as Workflow;
  const faults: string[] = [];
  if (JSON.stringify(permissions) !== '{}') faults.push('permissions: not {}');
  if (secretsIn(env).length > 0) faults.push('env: a secret for all jobs');
  for (const trigger of ['pull_request_target', 'workflow_run'])
    if (Object.hasOwn(on, trigger)) faults.push(`on: ${trigger}`);
  for (const [name, job] of Object.entries(jobs))
    faults.push(...jobFaults(job, 'workflow_call' in on).map((fault) => `${name}: ${fault}`));
  return faults;
}

function jobFaults(job: Job, isCalled: boolean): string[] {
  const { steps = [], secrets, environment } = job;
  const faults: string[] = [];
  const all = expressionsOf(job);
  if (secrets === 'inherit') faults.push('secrets: inherit');
  if (all.some((expression) => /\bsecrets\b(?!\.\w)/.test(expression)))
    faults.push('secrets as a whole, or by a computed name');
  if (secretsIn([job.env, job.outputs, job.with]).length > 0) faults.push('a secret outside of a step');
  const deciding = [
    job.if,
    nameOf(environment),
    job.concurrency,
    job.strategy,
    job['runs-on'],
    ...steps.map((step) => step.if),
  ];
  for (const expression of [...expressionsOf(deciding), ...conditions(deciding)])
    if (/\bneeds\.[\w-]+\.outputs\b|\benv\b|\bsteps\./.test(expression))
      faults.push(`decides by ${expression.trim()}`);
  const ours = [job.if, ...steps.map((step) => step.if)];
  if (conditions(ours).some((condition) => /\bsecrets\b/.test(condition)))
    faults.push('a condition on a secret');
  const first = steps.findIndex(isForeign);
  if (first !== -1) faults.push(...besideForeign(job, steps, first));
  for (const step of steps) faults.push(...stepFaults(step, job, isCalled));
  if (
    secretsIn(steps).some((name) => !/^(?:REGISTRY_PASSWORD|SLACK_WEBHOOK_URL)$/.test(name)) &&
    environment === undefined
  )
    faults.push('keys of a target outside of an environment');
  faults.push(...artifactFaults(steps));
  return faults;
}

/** A job where code of the checkout runs has no keys, and nothing after that code believes what it could have written. */
function besideForeign(job: Job, steps: readonly Step[], first: number): string[] {
  const faults: string[] = [];
  const images = steps.every((step) => !isForeign(step) || actionOf(step) === 'build');
  const secrets = secretsIn(steps).filter((name) => !(images && name === 'REGISTRY_PASSWORD'));
  if (secrets.length > 0) faults.push(`${secrets.join(', ')} in a job that runs foreign code`);
  if (job.environment !== undefined) faults.push('an environment for a job that runs foreign code');
  const rights = Object.entries(job.permissions ?? {}).filter(
    ([right, level]) => level === 'write' && !(images && right === 'packages'),
  );
  if (rights.length > 0)
    faults.push(`${rights.map(([right]) => right).join(', ')}: write in a job that runs foreign code`);
  const tainted = steps.slice(first).flatMap(({ id }) => (id === undefined ? [] : [id]));
  for (const step of steps.slice(first + 1))
    for (const expression of [...expressionsOf(step), ...conditions([step.if])])
      if (
        /\benv\./.test(expression) ||
        tainted.some((id) => expression.includes(`steps.${id}.`)) ||
        /\bgithub\.token\b/.test(expression)
      )
        faults.push(`${expression.trim()} after foreign code`);
  return faults;
}

function stepFaults(step: Step, job: Job, isCalled: boolean): string[] {
  const faults: string[] = [];
  const { uses: action = '', with: given = {}, env = {} } = step;
  if (action.startsWith('actions/checkout@') && given['persist-credentials'] !== false)
    faults.push('a checkout that leaves its token');
  const known = uses[actionOf(step) ?? ''] ?? {};
  for (const [input, value] of Object.entries(given)) {
    for (const name of secretsIn(value))
      faults.push(...secretFaults(name, known[input], input, job, isCalled));
    if (expressionsOf(value).some((expression) => /\benv\./.test(expression)))
      faults.push(`${input} from env`);
    if (
      !contentInputs.has(input) &&
      expressionsOf(value).some((expression) => /\bneeds\.[\w-]+\.outputs\b/.test(expression))
    )
      faults.push(`${input} from an earlier job`);
  }
  for (const [variable, value] of Object.entries(env)) {
    const takes = actionOf(step) === 'deploy' && /^[A-Z]\w*$/.test(variable) ? variable : known[variable];
    for (const name of secretsIn(value)) faults.push(...secretFaults(name, takes, variable, job, isCalled));
  }
  if (secretsIn(step.run).length > 0) faults.push('a secret in the text of a script');
  return faults;
}

/** @param takes the secret that this place is for; undefined: none. */
function secretFaults(
  name: string,
  takes: string | undefined,
  place: string,
  job: Job,
  isCalled: boolean,
): string[] {
  const [prefix = '', rest = ''] = name.split(/_(.*)/s);
  // In a repository's own jobs PROD_ENV may be the name that sluice.yml has for any target.
  const target = isCalled ? earlier[prefix] : undefined;
  if (name === takes && target === undefined) return [];
  if (takes === undefined || (target !== undefined && rest !== takes && name !== takes))
    return [`${place} has ${name}, and does not use it`];
  if (target === undefined) return [`${place} has ${name}, and not ${takes}`];
  const isOwn = job.if?.includes(`inputs.target == '${target}'`) === true;
  return isOwn ? [] : [`${name} in a job that is not for ${target}`];
}

/** What an artifact brings stays outside of the checkout, and is compared with the digest of the build before use. */
function artifactFaults(steps: readonly Step[]): string[] {
  const at = steps.findIndex(({ uses: action }) => action?.startsWith('actions/download-artifact@') === true);
  if (at === -1) return [];
  const faults: string[] = [];
  if (!String(steps[at]?.with?.['path'] ?? '').startsWith('${{ runner.temp }}/'))
    faults.push('an artifact within the checkout');
  const next = steps[at + 1];
  const compared = Object.entries(next?.env ?? {}).find(([, value]) =>
    /\.outputs\.digest\b/.test(value),
  )?.[0];
  if (
    compared === undefined ||
    next?.run?.includes(`"$${compared}"`) !== true ||
    !next.run.includes('exit 1')
  )
    faults.push('an artifact whose digest nobody compares');
  else if (next.if !== steps[at]?.if) faults.push('an artifact that is not compared each time');
  return faults;
}

function actionOf({ uses: action }: Step): string | undefined {
  return /^sluice-ci\/sluice\/actions\/(\w+)@/.exec(action ?? '')?.[1];
}

/** Whether code of the checkout, or of its packages, may run in it. */
function isForeign(step: Step): boolean {
  const { uses: action, run } = step;
  if (run !== undefined) return programsOf(run).some((program) => !ownPrograms.test(program));
  if (/^actions\/(?:checkout|upload-artifact|download-artifact)@/.test(action ?? '')) return false;
  // Those that deploy or publish run nothing of the checkout on the runner.
  return !['deploy', 'rollback', 'backup', 'cdn'].includes(actionOf(step) ?? '');
}

/** First words of a script's commands. */
function programsOf(script: string): string[] {
  return script
    .replace(/'[^']*'|"(?:(?!\$\(|`)[^"])*"/g, '""')
    .split(/\n|&&|\|\||\$\(|(?<!;);(?!;)|\||\bthen\b|\belse\b|(?<=\{) /)
    .map((command) => command.trim().replace(/^(?:(?:if|!|\)|\w+=\S*(?=\s\S))\s*)+/, ''))
    .map((command) => command.split(/\s/)[0] ?? '')
    .filter((word) => word !== '' && word !== ')');
}

function nameOf(environment: Job['environment']): unknown {
  return typeof environment === 'object' ? environment.name : environment;
}

/** Texts that GitHub evaluates without `${{ }}`. */
function conditions(values: readonly unknown[]): string[] {
  return values.filter((value): value is string => typeof value === 'string' && !value.includes('${{'));
}

/** The insides of all `${{ }}` in a value. */
function expressionsOf(value: unknown): string[] {
  if (typeof value === 'string')
    return [...value.matchAll(/\$\{\{(.*?)\}\}/gs)].map(([, inside = '']) => inside);
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(expressionsOf);
}

/** Names of the secrets in a value. */
function secretsIn(value: unknown): string[] {
  return expressionsOf(value).flatMap((expression) =>
    [...expression.matchAll(/\bsecrets\.(\w+)/g)].map(([, name = '']) => name),
  );
}
