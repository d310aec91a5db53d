import { join } from 'node:path';
import { type Place, UserError } from '../../kernel/errors.ts';
import type { Config, Target } from '../model.ts';
import { isShowable } from './secret-names.ts';

/** Variables of the job that are credentials of Sluice and of the runner, and no settings of an app. */
export interface ReservedGroup {
  /** `*` stands for any characters. Case does not count. */
  readonly names: readonly string[];
  /** Their content: the end of a sentence that begins with a name. */
  readonly are: string;
  /**
   * Where sluice.yml may still name one of them: `never`, only for build secrets (`build.job-credentials`), or
   * also as a variable of a target (`env`, `env-secret`) or of `notify`.
   */
  readonly allowed: 'never' | 'builds' | 'everywhere';
}

/**
 * The list that docs/config.md shows. It is about the environment of Sluice itself: a target may well have a variable
 * of such a name, from its own env file.
 */
export const reservedGroups: readonly ReservedGroup[] = [
  { names: ['SLUICE_*'], are: 'a setting or a credential of Sluice itself', allowed: 'never' },
  { names: ['INPUT_*', 'STATE_*'], are: 'an input of an action', allowed: 'never' },
  { names: ['ACTIONS_*'], are: 'a token or an address of the runner', allowed: 'never' },
  { names: ['DOCKER_AUTH_CONFIG'], are: 'the registry logins of Docker', allowed: 'never' },
  {
    names: ['GITHUB_TOKEN', 'GH_TOKEN', 'GITHUB_*_TOKEN', 'GH_*_TOKEN', 'GITHUB_PAT', 'GH_PAT'],
    are: 'a token for GitHub',
    allowed: 'builds',
  },
  {
    names: [
      'SSH_KEY',
      'SSH_PRIVATE_KEY',
      'SSH_PASSPHRASE',
      '*_SSH_KEY',
      '*_SSH_PRIVATE_KEY',
      'REGISTRY_PASSWORD',
      '*_REGISTRY_PASSWORD',
    ],
    are: 'a key or password that deploys use',
    allowed: 'builds',
  },
  {
    names: ['AWS_*', '*_AWS_ACCESS_KEY_ID', '*_AWS_SECRET_ACCESS_KEY', '*_AWS_SESSION_TOKEN'],
    are: 'a setting or a credential of AWS',
    allowed: 'everywhere',
  },
  {
    names: ['CLOUDFLARE_*', '*_CLOUDFLARE_API_TOKEN', '*_CLOUDFLARE_API_KEY', 'CF_API_*'],
    are: 'a setting or a credential of Cloudflare',
    allowed: 'everywhere',
  },
  {
    names: ['ENV_FILE', 'PROD_ENV', 'STAGING_ENV', 'SLACK_WEBHOOK_URL', 'CODECOV_TOKEN'],
    are: 'a secret of the workflows',
    allowed: 'everywhere',
  },
];

/** Names of those forms that are not secrets and that image names and build arguments often use. */
export const unreservedNames = [
  'AWS_REGION',
  'AWS_DEFAULT_REGION',
  'AWS_ACCOUNT_ID',
  'AWS_BUCKET',
  'AWS_BUCKET_NAME',
  'AWS_S3_BUCKET',
  'AWS_S3_BUCKET_NAME',
  'AWS_S3_CUSTOM_DOMAIN',
  'AWS_S3_REGION',
  'AWS_S3_REGION_NAME',
  'AWS_STORAGE_BUCKET_NAME',
  'CLOUDFLARE_ACCOUNT_ID',
  'CLOUDFLARE_ZONE_ID',
] as const;

const patterns = reservedGroups.map((group) => {
  const forms = group.names.map((name) => name.replaceAll('*', '.*'));
  return [group, new RegExp(`^(?:${forms.join('|')})$`, 'is')] as const;
});
const unreserved: ReadonlySet<string> = new Set(unreservedNames);

/** The group of a name on the list; undefined: the name is free. */
export function reservedGroup(name: string): ReservedGroup | undefined {
  if (unreserved.has(name.toUpperCase())) return undefined;
  return patterns.find(([, pattern]) => pattern.test(name))?.[0];
}

/** The parts of sluice.yml that name further secrets of the job, or reserved ones that builds may use. */
export type ReservedSight = Partial<Pick<Config, 'targets' | 'notify'>> & {
  readonly build?: Pick<Config['build'], 'jobCredentials'>;
};

/**
 * Why untrusted files must not read a variable of the job: it is on the list, or by sluice.yml it contains a
 * whole env file or a webhook.
 *
 * @returns what it is, the end of a sentence that begins with the name; undefined: they may.
 */
export function whyReserved(name: string, config: ReservedSight): string | undefined {
  const group = reservedGroup(name);
  if (group !== undefined) return group.are;
  if (config.notify?.slack === name) return 'the webhook of notify.slack';
  const target = Object.values(config.targets ?? {}).find(({ env }) =>
    env.some((source) => source.kind === 'secret-file' && source.variable === name),
  );
  return target === undefined ? undefined : `the env file of the target ${target.name}`;
}

/** Whether `build.job-credentials` gives a reserved name to builds. */
export function isGivenToBuilds(name: string, { build }: ReservedSight): boolean {
  return build?.jobCredentials?.includes(name) === true;
}

/** Files that hold credentials of the job, as far as its environment names them. */
export function credentialFiles(env: Readonly<Record<string, string | undefined>>): string[] {
  const docker = env.DOCKER_CONFIG ?? (env.HOME === undefined ? undefined : join(env.HOME, '.docker'));
  const named = ['SLUICE_SSH_KEY_FILE', 'AWS_WEB_IDENTITY_TOKEN_FILE', 'AWS_SHARED_CREDENTIALS_FILE'];
  const own = env.HOME === undefined ? [] : [join(env.HOME, '.aws/credentials')];
  const login = docker === undefined ? [] : [join(docker, 'config.json')];
  return [...named.map((name) => env[name]), ...own, ...login].flatMap((file) => file || []);
}

type PlaceOf = (path: readonly (string | number)[]) => { readonly at?: Place };

/** Names in sluice.yml that would hand a credential of the job to the app, and opt-ins that give nothing. */
export function reservedFaults(config: Config, placeOf: PlaceOf): UserError[] {
  const { notify, build, targets } = config;
  const named = [
    ...Object.values(targets).flatMap(namesOf),
    ...(notify.slack === undefined ? [] : [{ path: ['notify', 'slack'], name: notify.slack }]),
  ];
  return [
    ...named.flatMap(({ path, name }) => {
      const group = reservedGroup(name);
      return group === undefined || group.allowed === 'everywhere'
        ? []
        : [reservedVariable(`${path.join('.')} asks for ${name}`, group.are, placeOf(path))];
    }),
    ...(build.jobCredentials ?? []).flatMap((name) => faultOfOptIn(name, config, placeOf)),
  ];
}

function namesOf({ name: target, env }: Target) {
  return env.flatMap((source) => {
    const path = (key: string) => ['targets', target, key];
    if (source.kind === 'variables') return source.names.map((name) => ({ path: path('env'), name }));
    return source.kind === 'secret-file' ? [{ path: path('env-secret'), name: source.variable }] : [];
  });
}

function faultOfOptIn(name: string, config: Config, placeOf: PlaceOf): UserError[] {
  const at = placeOf(['build', 'job-credentials']);
  const group = reservedGroup(name);
  const shown = isShowable(name) ? name : 'a name';
  if (group !== undefined && group.allowed !== 'never') return [];
  const why = whyReserved(name, config);
  if (why !== undefined) return [reservedVariable(`build.job-credentials lists ${name}`, why, at)];
  return [
    new UserError({
      code: 'config.value',
      message: `build.job-credentials: ${shown} is not a reserved variable, so builds may use it anyway`,
      hint: 'Remove it from the list, or fix the name.',
      ...at,
    }),
  ];
}

/** @param fact names the place and the variable. @param are what it is. */
function reservedVariable(fact: string, are: string, at: { readonly at?: Place }): UserError {
  return new UserError({
    code: 'env.reserved',
    message: `${fact}, which is reserved: it is ${are}`,
    hint: 'Rename the variable, or set the app’s own value in an env file of the target.',
    ...at,
  });
}
