/**
 * `node resolve.ts TARGET`: prints what a deploy of the sluice.yml in this folder would start (resolved.ts), as JSON.
 * Exits with 2 where sluice.yml or the compose files cannot be read, and with a stack where Sluice has a bug.
 */

import type { Config, HostModel } from '../../src/config/model.ts';
import { resolveHostModel } from '../../src/config/resolve.ts';
import { loadConfig } from '../../src/config/sluice-yml/load.ts';
import { moveMounts } from '../../src/deploy/project/files.ts';
import { type EdgeContainer, refuseNameClashes, releaseProject } from '../../src/deploy/project/project.ts';
import { userErrorsOf } from '../../src/kernel/errors.ts';
import { edgeImage, release } from '../support/deploy/fixtures.ts';
import type { WrittenConfig } from './resolved.ts';
import { filesRoot, type Resolved } from './resolved.ts';

async function resolve(config: Config, name: string): Promise<Omit<Resolved, 'config'>> {
  const target = config.targets[name];
  const host = target?.hosts[0];
  if (target === undefined || host === undefined) throw new Error(`sluice.yml has no target ${name}`);
  const resolved = await resolveHostModel(config, target, host, { env: process.env });
  const { after, faults } = await project(config, resolved);
  return { services: resolved.services, faults, before: resolved.model.services, after };
}

async function project(config: Config, resolved: HostModel): Promise<Pick<Resolved, 'after' | 'faults'>> {
  try {
    const plans = resolved.services;
    refuseNameClashes(plans);
    const moved = await moveMounts(resolved, filesRoot);
    const record = release('v1', plans, {}, { app: config.app, model: moved.model });
    const edges = plans.filter(({ strategy }) => strategy === 'blue-green').map(({ name }) => edge(name));
    return { after: releaseProject(record, 'blue', edges).services, faults: [] };
  } catch (error) {
    return { after: undefined, faults: faultsOf(error) };
  }
}

function edge(service: string): EdgeContainer {
  const folder = `/opt/sluice/app/edges/${service}`;
  return {
    service,
    image: edgeImage,
    user: '1000',
    command: [],
    stopSignal: 'SIGUSR1',
    folder,
    version: 'e1',
  };
}

function faultsOf(error: unknown): Resolved['faults'] {
  const errors = userErrorsOf(error);
  if (errors.length === 0) throw error;
  return errors.map(({ code, message, hint, output }) => ({
    code,
    message: [message, hint, output].filter((text) => text !== undefined && text !== '').join('\n'),
  }));
}

function written({ compose, migrate, backup }: Config): WrittenConfig {
  const command = [migrate?.command ?? []].flat().join(' ');
  return {
    compose,
    migrate: migrate === undefined ? undefined : { service: migrate.service, command },
    backup: backup?.service,
  };
}

let config: WrittenConfig | undefined;
try {
  const loaded = await loadConfig();
  config = written(loaded);
  console.log(JSON.stringify({ config, ...(await resolve(loaded, process.argv[2] ?? 'production')) }));
} catch (error) {
  console.log(JSON.stringify({ config, errors: faultsOf(error) }));
  process.exitCode = 2;
}
