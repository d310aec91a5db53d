import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../../../kernel/errors.ts';
import { tail } from '../../../kernel/process/process.ts';
import type { Preparation, RunContext } from '../../tool.ts';
import { readJson } from '../answer.ts';
import { trivyBinary } from './run.ts';

/** A database of vulnerabilities that is there. */
export interface VulnerabilityDatabase {
  /** For trivy's `--cache-dir`. */
  readonly folder: string;
  /** When it was made, as a day: 2026-11-21. */
  readonly day: string;
}

/** db/metadata.json, written by trivy beside db/trivy.db. */
const metadataShape = z.object({
  Version: z.literal(2),
  NextUpdate: z.iso.datetime({ offset: true }),
  UpdatedAt: z.iso.datetime({ offset: true }),
});
type Metadata = z.infer<typeof metadataShape>;

/** Trivy's own, in its order; it does not itself go on to the second where the first can't be reached at all. */
const usualRepositories = ['mirror.gcr.io/aquasec/trivy-db:2', 'ghcr.io/aquasecurity/trivy-db:2'];

/** A database that can't be renewed serves for so long: a flood of tests must not fail for a registry that is down. */
const longestUseMs = 7 * 24 * 60 * 60_000;

/** Trivy's database, fetched by trivy itself unless a fresh one is there. */
export const vulnerabilityDatabase: Preparation<VulnerabilityDatabase> = {
  id: 'trivy database',
  what: 'the database of vulnerabilities (about 80 MB a day)',
  needs: [trivyBinary],
  cost: { cores: 1, memory: 300 * 1024 * 1024, seconds: 20 },
  timeoutMs: 10 * 60_000,
  make: freshDatabase,
};

export type Freshness = 'fresh' | 'usable' | 'too old';

export function freshness({ NextUpdate, UpdatedAt }: Metadata, now: number): Freshness {
  if (Date.parse(NextUpdate) > now) return 'fresh';
  return now - Date.parse(UpdatedAt) < longestUseMs ? 'usable' : 'too old';
}

/** @throws UserError `checks.vulnerability-data`. */
async function freshDatabase(context: RunContext): Promise<VulnerabilityDatabase> {
  const present = await newest(context);
  const state = present === undefined ? 'too old' : freshness(present.metadata, Date.now());
  if (present !== undefined && state === 'fresh') return databaseOf(present);
  context.note('fetching the database of vulnerabilities');
  const failures: string[] = [];
  for (const repository of repositories(context.env)) {
    const fetched = await fetchFrom(repository, context);
    if (typeof fetched !== 'string') return databaseOf(fetched);
    failures.push(fetched);
  }
  if (present !== undefined && state === 'usable') return databaseOf(present);
  const old = present === undefined ? 'There is no' : 'There is only an old';
  throw new UserError({
    code: 'checks.vulnerability-data',
    message: `${old} database of vulnerabilities, and none could be fetched from ${repositories(context.env).join(' or ')}`,
    hint: 'Allow one of these registries, name a mirror of it in SLUICE_TRIVY_DB, or restore a cache with a database of today in TRIVY_CACHE_DIR.',
    output: failures.join('\n'),
  });
}

/** Addresses with their tags, by commas; Trivy's own variable counts, too. */
export function repositories(env: RunContext['env']): readonly string[] {
  const named = (env['SLUICE_TRIVY_DB'] || env['TRIVY_DB_REPOSITORY'] || '')
    .split(',')
    .map((part) => part.trim());
  const given = named.filter((candidate) => candidate !== '');
  return given.length === 0 ? usualRepositories : given;
}

interface Present {
  readonly folder: string;
  readonly metadata: Metadata;
}

function databaseOf({ folder, metadata }: Present): VulnerabilityDatabase {
  return { folder, day: metadata.UpdatedAt.slice(0, 10) };
}

/** Of that in TRIVY_CACHE_DIR, which others may keep fresh, and of our own, each in a folder named by its time. */
async function newest(context: RunContext): Promise<Present | undefined> {
  const given = context.env['TRIVY_CACHE_DIR'];
  const folders = [
    ...(given === undefined || given === '' ? [] : [given]),
    ...(await kept(context)).map((name) => join(keptIn(context), name)),
  ];
  const found = await Promise.all(folders.map(presentIn));
  const time = ({ metadata }: Present) => Date.parse(metadata.UpdatedAt);
  return found.filter((present) => present !== undefined).toSorted((a, b) => time(b) - time(a))[0];
}

async function presentIn(folder: string): Promise<Present | undefined> {
  const text = await readFile(join(folder, 'db/metadata.json'), 'utf8').catch(() => '');
  const metadata = readJson(text, metadataShape);
  return metadata === undefined ? undefined : { folder, metadata };
}

function keptIn(context: RunContext): string {
  return join(context.cache, 'trivy');
}

/** Names of folders with databases, the newest first. */
async function kept(context: RunContext): Promise<string[]> {
  const names = await readdir(keptIn(context)).catch(() => []);
  return names.filter((name) => /^\d{14}$/.test(name)).sort((a, b) => (a < b ? 1 : -1));
}

/**
 * Trivy writes into a folder of its own, which gets its name when it is whole. So no two processes ever have one bbolt file
 * open for writing, whatever else runs on this machine.
 *
 * @returns in words why there is none, when there is none.
 */
async function fetchFrom(repository: string, context: RunContext): Promise<Present | string> {
  await mkdir(keptIn(context), { recursive: true });
  const folder = await mkdtemp(join(keptIn(context), 'part-'));
  try {
    const flags = ['--no-progress', '--skip-version-check', '--disable-telemetry'];
    const command = ['image', '--download-db-only', '--cache-dir', folder, '--db-repository', repository];
    const run = await context.spawn([context.prepared(trivyBinary).path, ...command, ...flags]);
    const found = run.code === 0 ? await presentIn(folder) : undefined;
    if (found === undefined) return tail(run.stderr.trim().slice(-2000), 5);
    // A mirror may have stopped.
    if (freshness(found.metadata, Date.now()) === 'too old') {
      return `${repository}: the database there is of ${databaseOf(found).day}`;
    }
    const place = join(keptIn(context), found.metadata.UpdatedAt.replace(/\D/g, '').slice(0, 14));
    // Another run may have been quicker; its database is the same.
    await rename(folder, place).catch(() => {});
    // One that is in use by another run stays.
    for (const old of (await kept(context)).slice(2)) {
      await rm(join(keptIn(context), old), { recursive: true, force: true });
    }
    return (await presentIn(place)) ?? `${repository}: the database that was fetched is gone`;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
