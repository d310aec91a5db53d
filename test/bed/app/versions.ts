import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BuildReport } from '../../../src/build/plan.ts';
import { command } from '../command.ts';
import { standIns } from '../images.ts';
import { registry } from '../layout.ts';
import { copyContext, exampleFolder, type Part } from './tree.ts';

interface Version {
  /** Fault that is built in on purpose (README of the example). */
  readonly break?: 'health' | 'errors' | 'slow' | 'boot';
  /** Files of the backend that this version does not have yet. */
  readonly without?: readonly string[];
}

/** The releases that demo, tests and benchmarks deploy. */
export const versions = {
  v1: { without: ['0002_bookmark_note.py'] },
  v2: {},
  v3: { break: 'health' },
  v4: { break: 'errors' },
  v5: {},
  slow: { break: 'slow' },
  boot: { break: 'boot' },
} as const satisfies Readonly<Record<string, Version>>;

export type VersionName = keyof typeof versions;

const program = join(import.meta.dirname, '../../../bin/sluice');

export const appRegistry = `${registry.reference}/bookreader`;

type Log = (line: string) => void;

/** The images of a version, as `sluice deploy --images` takes them. */
export function imagesOf(version: VersionName): Record<string, string> {
  const backend = reference('backend', version);
  return {
    backend,
    'celery-worker': backend,
    'celery-beat': backend,
    frontend: reference('frontend', version),
  };
}

function reference(part: Part, version: VersionName): string {
  return `${appRegistry}/${part}:${version}`;
}

/** A version as a checkout of its own, and how its images are built. */
export interface VersionSource {
  /** What `sluice` is called with, in the folder. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Writes the sources of a version. The bed's stand-ins are its base images, the bed's registry takes the result. */
export function writeVersion(name: VersionName, folder: string): VersionSource {
  const version: Version = versions[name];
  mkdirSync(folder, { recursive: true });
  for (const part of ['backend', 'frontend'] as const) {
    copyContext(part, join(folder, part), part === 'backend' ? version.without : []);
  }
  cpSync(join(exampleFolder, 'compose.yml'), join(folder, 'compose.yml'));
  const config = `app: bookreader\nregistry: ${appRegistry}\ntargets: { any: { hosts: [deploy@example.com] } }\n`;
  writeFileSync(join(folder, 'sluice.yml'), config);
  return {
    args: ['build', '--tag', name],
    env: {
      REGISTRY: appRegistry,
      PYTHON_IMAGE: standIns.python,
      NODE_IMAGE: standIns.node,
      NGINX_IMAGE: standIns.nginx,
      APP_VERSION: name,
      BREAK: version.break ?? '',
    },
  };
}

/**
 * Builds and pushes versions by `sluice build`, as a team does: what the registry has for a version's tree is not built
 * again. The bed must be up.
 */
export async function buildVersions(names: readonly VersionName[], log: Log): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), 'sluice-bed-app-'));
  try {
    for (const name of names) await buildVersion(name, join(scratch, name), log);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function buildVersion(name: VersionName, folder: string, log: Log): Promise<void> {
  const { args, env } = writeVersion(name, folder);
  const assignments = Object.entries(env).map(([key, value]) => `${key}=${value}`);
  // The caller's own CI decides nothing here: neither where a cache is kept nor what is shown.
  const without = ['CI', 'GITHUB_ACTIONS', 'GITHUB_TOKEN'].flatMap((key) => ['--unset', key]);
  const argv = [process.execPath, program, ...args, '--json'];
  const { code, stdout, stderr } = await command(['env', '-C', folder, ...without, ...assignments, ...argv]);
  if (code !== 0) throw new Error(`sluice build of ${name}: exit code ${code}\n${stdout}\n${stderr}`);
  const { targets, ms } = JSON.parse(stdout) as BuildReport;
  const built = targets.filter(({ outcome }) => outcome === 'built').map((target) => target.name);
  if (built.length > 0) log(`built ${built.join(' and ')} ${name} in ${(ms / 1000).toFixed(1)} s`);
}
