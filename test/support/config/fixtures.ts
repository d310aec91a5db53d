import { expect } from 'vitest';
import type {
  ComposeModel,
  ComposeService,
  Config,
  HostConfig,
  ServiceConfig,
  Target,
} from '../../../src/config/model.ts';
import { planServices } from '../../../src/config/services/strategies.ts';
import { defaultCheckSettings } from '../../../src/config/sluice-yml/normalise.ts';
import { formatPlace, type UserError, userErrorsOf } from '../../../src/kernel/errors.ts';

/** The user errors that `work` throws; a bug of ours fails the test with its stack. */
export async function errorsOf(work: () => unknown): Promise<readonly UserError[]> {
  try {
    await work();
  } catch (error) {
    const errors = userErrorsOf(error);
    if (errors.length === 0) throw error;
    return errors;
  }
  return expect.unreachable('nothing was thrown');
}

/** `sluice.yml:2:1 unknown key compse [config.unknown-key]` for each. */
export async function linesOf(work: () => unknown): Promise<string[]> {
  return (await errorsOf(work)).map(
    (error) => `${error.at === undefined ? '' : `${formatPlace(error.at)} `}${error.message} [${error.code}]`,
  );
}

/** Everything of the errors that a user could see. */
export async function shownText(work: () => unknown): Promise<string> {
  return JSON.stringify(
    (await errorsOf(work)).map(({ code, message, hint, at, output }) => ({
      code,
      message,
      hint,
      at,
      output,
    })),
  );
}

export const host: HostConfig = {
  name: 'deploy@prod-1',
  user: 'deploy',
  address: 'prod-1',
  port: 22,
  services: undefined,
  env: {},
  hostKey: undefined,
  jump: undefined,
  root: '/opt/sluice',
};

export const target: Target = {
  name: 'production',
  hosts: [host],
  env: [],
  requireTag: false,
  url: undefined,
  batch: undefined,
};

export const config: Config = {
  file: '/repo/sluice.yml',
  folder: '/repo',
  app: 'shop',
  compose: ['compose.yml'],
  registry: undefined,
  cdn: undefined,
  checks: defaultCheckSettings(),
  services: {},
  migrate: undefined,
  backup: undefined,
  watch: { forMs: 30_000, max5xx: 0.01, min5xx: 10, maxP95Ms: undefined, url: undefined, deadlineMs: 60_000 },
  targets: { production: target },
  notify: { slack: undefined },
  build: { platforms: [], cache: 'auto', sbom: false, provenance: false, smoke: {} },
  edge: { image: 'haproxy:3.0' },
  keep: 3,
  previous: 'stopped',
  drainMs: 30_000,
};

export function model(services: Readonly<Record<string, ComposeService>>): ComposeModel {
  return { name: 'shop', services };
}

export type Services = Readonly<Record<string, ComposeService>>;

/** The plan of one of some services. */
export function planOf(
  name: string,
  services: Services,
  own: ServiceConfig = {},
  more: Partial<Config> = {},
) {
  const all = {
    ...config,
    ...more,
    services: { ...more.services, ...(Object.keys(own).length > 0 ? { [name]: own } : {}) },
  };
  const plan = planServices(model(services), all).find((service) => service.name === name);
  if (plan === undefined) throw new Error('no plan');
  return plan;
}
/** The plan of a service that is alone. */
export const one = (
  service: ComposeService,
  own: ServiceConfig = {},
  more: Partial<Config> = {},
  name = 'web',
) => planOf(name, { [name]: service }, own, more);

export const volume = (source: string, target = '/data', more = {}) => ({
  type: 'volume',
  source,
  target,
  ...more,
});
export const command = (line: string) => ({ image: 'app', command: line.split(' ') });
