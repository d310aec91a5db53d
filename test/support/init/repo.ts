import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { ServicePlan, Strategy } from '../../../src/config/model.ts';
import { resolveHostModel } from '../../../src/config/resolve.ts';
import { loadConfig, targetOf } from '../../../src/config/sluice-yml/load.ts';
import { exactEnv } from '../../../src/kernel/process/child-env.ts';
import { type ProcessResult, runProcess } from '../../../src/kernel/process/process.ts';

const root = resolve(import.meta.dirname, '../../..');
export const sluice: string = join(root, 'bin/sluice');

/** A repository in a folder of its own, to run `sluice init` in. */
export interface InitRepo extends Disposable {
  readonly folder: string;
  git(...args: string[]): void;
  init(...args: string[]): Promise<ProcessResult>;
  text(path: string): string;
  /** All files with their texts. */
  files(): Record<string, string>;
  /** Names of the workflows. */
  callers(): string[];
  /** What a deploy to production would do with each service, with variables as in a secret. */
  services(variables?: string): Promise<Record<string, ServicePlan>>;
}

/** @param fixture folder of this checkout that it is a copy of. */
export function initRepo(fixture?: string): InitRepo {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-init-'));
  if (fixture !== undefined) cpSync(join(root, fixture), folder, { recursive: true });
  return {
    folder,
    git: (...args) => void execFileSync('git', ['-C', folder, ...args], { stdio: 'pipe' }),
    init: (...args) => {
      const env = { PATH: process.env['PATH'], HOME: folder, NO_COLOR: '1' };
      return runProcess([process.execPath, sluice, 'init', ...args], { cwd: folder, env: exactEnv(env) });
    },
    text: (path) => readFileSync(join(folder, path), 'utf8'),
    files: () => {
      const all = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
        entry.isFile(),
      );
      const paths = all
        .map((entry) => join(entry.parentPath, entry.name))
        .filter((path) => !path.includes('/.git/'));
      return Object.fromEntries(
        paths.map((path) => [path.slice(folder.length + 1), readFileSync(path, 'utf8')]),
      );
    },
    callers: () => readdirSync(join(folder, '.github/workflows')).sort(),
    services: async (variables = 'UNUSED=1') => {
      const config = await loadConfig(undefined, folder);
      const target = targetOf(config, 'production');
      const [host] = target.hosts;
      if (host === undefined) throw new Error('no host');
      const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], ENV_FILE: variables };
      const { services } = await resolveHostModel(config, target, host, { env });
      return Object.fromEntries(services.map((plan) => [plan.name, plan]));
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export function strategiesOf(plans: Record<string, ServicePlan>): Record<string, Strategy> {
  return Object.fromEntries(Object.entries(plans).map(([name, { strategy }]) => [name, strategy]));
}
