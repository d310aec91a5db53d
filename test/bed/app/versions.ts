import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { command, must } from '../command.ts';
import { standIns } from '../images.ts';
import { registry } from '../layout.ts';
import { copyContext, hashTree, type Part } from './tree.ts';

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

export const appRegistry = `${registry.reference}/bookreader`;

const contentLabel = 'sluice.bed.content';

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

/**
 * Builds and pushes versions that are not there yet: an image carries the hash of everything it was built from, so a
 * second run builds nothing. The bed must be up: its stand-ins are the base images, its registry takes the result.
 */
export async function buildVersions(names: readonly VersionName[], log: Log): Promise<void> {
  const bases = await baseIds();
  const scratch = mkdtempSync(join(tmpdir(), 'sluice-bed-app-'));
  try {
    for (const part of ['backend', 'frontend'] as const) {
      for (const name of names) await buildVersion(part, name, bases, join(scratch, part), log);
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  // One after the other: the registry answers 500 when pushes that share new layers meet.
  for (const part of ['backend', 'frontend'] as const) {
    for (const name of names) await push(reference(part, name), log);
  }
}

async function buildVersion(
  part: Part,
  name: VersionName,
  bases: string,
  folder: string,
  log: Log,
): Promise<void> {
  const version: Version = versions[name];
  copyContext(part, folder, version.without);
  const args = {
    APP_VERSION: name,
    ...(part === 'backend'
      ? { BASE_IMAGE: standIns.python, BREAK: version.break ?? '' }
      : { BASE_IMAGE: standIns.node, NGINX_IMAGE: standIns.nginx }),
  };
  const content = hashTree(folder, JSON.stringify(args), bases);
  const target = reference(part, name);
  const format = `{{index .Config.Labels "${contentLabel}"}}`;
  const found = await command(['docker', 'image', 'inspect', '--format', format, target]);
  if (found.code === 0 && found.stdout.trim() === content) return;

  const started = performance.now();
  const buildArgs = Object.entries(args).flatMap(([key, value]) => ['--build-arg', `${key}=${value}`]);
  const label = `${contentLabel}=${content}`;
  // Without provenance the result is a plain manifest, the same in every image store.
  const plain = ['--provenance=false', '--label', label, '--tag', target];
  await must(['docker', 'build', ...plain, ...buildArgs, folder]);
  log(`built ${part} ${name} in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

/** Another base image makes another application image. */
async function baseIds(): Promise<string> {
  const references = [standIns.python, standIns.node, standIns.nginx];
  return must(['docker', 'image', 'inspect', '--format', '{{.Id}}', ...references]);
}

async function push(target: string, log: Log): Promise<void> {
  const local = await must(['docker', 'image', 'inspect', '--format', '{{json .RepoDigests}}', target]);
  const remote = await remoteDigest(target);
  if (remote !== undefined && local.includes(remote)) return;
  await must(['docker', 'push', '--quiet', target]);
  log(`pushed ${target.slice(appRegistry.length + 1)}`);
}

async function remoteDigest(target: string): Promise<string | undefined> {
  const [, repository, tag] = /^[^/]+\/(.+):([^:]+)$/.exec(target) ?? [];
  const response = await fetch(`http://${registry.reference}/v2/${repository}/manifests/${tag}`, {
    method: 'HEAD',
    headers: {
      accept:
        'application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json',
    },
  });
  return response.ok ? (response.headers.get('docker-content-digest') ?? undefined) : undefined;
}
