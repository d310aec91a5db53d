import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../../../kernel/errors.ts';
import { tail } from '../../../kernel/process/process.ts';
import type { Preparation, RunContext } from '../../tool.ts';
import { readJson } from '../answer.ts';
import { trivyBinary } from './run.ts';

/** A downloaded vulnerability database. */
interface VulnerabilityDatabase {
  /** For trivy's `--cache-dir`. */
  readonly folder: string;
  /** The day of its creation: 2026-11-21. */
  readonly day: string;
}

/** db/metadata.json, written by trivy beside db/trivy.db. */
const metadataShape = z.object({
  Version: z.literal(2),
  NextUpdate: z.iso.datetime({ offset: true }),
  UpdatedAt: z.iso.datetime({ offset: true }),
});
type Metadata = z.infer<typeof metadataShape>;

/** Trivy's own, in its order; it does not try the second itself if the first is unreachable. */
const usualRepositories = ['mirror.gcr.io/aquasec/trivy-db:2', 'ghcr.io/aquasecurity/trivy-db:2'];

/** Maximum age if it cannot be updated: an outage of the registry must not fail all checks. */
const longestUseMs = 7 * 24 * 60 * 60_000;

/** Trivy's database, downloaded by trivy itself unless a fresh one exists. */
export const vulnerabilityDatabase: Preparation<VulnerabilityDatabase> = {
  id: 'trivy database',
  what: 'the vulnerability database (about 80 MB a day)',
  needs: [trivyBinary],
  cost: { cores: 1, memory: 300 * 1024 * 1024, seconds: 20 },
  timeoutMs: 10 * 60_000,
  make: freshDatabase,
};

type Freshness = 'fresh' | 'usable' | 'too old';

export function freshness({ NextUpdate, UpdatedAt }: Metadata, now: number): Freshness {
  if (Date.parse(NextUpdate) > now) return 'fresh';
  return now - Date.parse(UpdatedAt) < longestUseMs ? 'usable' : 'too old';
}

/** @throws UserError `checks.vulnerability-data`. */
async function freshDatabase(context: RunContext): Promise<VulnerabilityDatabase> {
  const present = await newest(context);
  const state = present === undefined ? 'too old' : freshness(present.metadata, Date.now());
  if (present !== undefined && state === 'fresh') return databaseOf(present);
  context.note('downloading the vulnerability database');
  const failures: string[] = [];
  for (const repository of repositories(context.env)) {
    const fetched = await fetchFrom(repository, context);
    if (typeof fetched !== 'string') return databaseOf(fetched);
    failures.push(fetched);
  }
  if (present !== undefined && state === 'usable') return databaseOf(present);
  const lack =
    present === undefined
      ? 'There is no vulnerability database'
      : `The vulnerability database is too old (${databaseOf(present).day})`;
  throw new UserError({
    code: 'checks.vulnerability-data',
    message: `${lack}, and the download from ${repositories(context.env).join(' or ')} failed`,
    hint: 'Allow access to one of these registries, set SLUICE_TRIVY_DB to a mirror, or restore a cache with a current database in TRIVY_CACHE_DIR.',
    output: failures.join('\n'),
  });
}

/** Addresses with their tags, by commas; Trivy's own variable counts, too. */
export function repositories(env: RunContext['env']): readonly string[] {
  const named = (env['SLUICE_TRIVY_DB'] || env['TRIVY_DB_REPOSITORY'] || '')
    .split(',')
    .map((part) => part.trim());
  const given = named.filter((name) => name !== '');
  return given.length === 0 ? usualRepositories : given;
}

interface Present {
  readonly folder: string;
  readonly metadata: Metadata;
}

function databaseOf({ folder, metadata }: Present): VulnerabilityDatabase {
  return { folder, day: metadata.UpdatedAt.slice(0, 10) };
}

/** The newest of the one in TRIVY_CACHE_DIR, which others may update, and Sluice's own, in folders named by their time. */
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
 * Trivy writes into a separate folder, which is renamed once it is complete. So no two processes ever have the same bbolt
 * file open for writing.
 *
 * @returns the reason of a failure.
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
    // A mirror may be outdated.
    if (freshness(found.metadata, Date.now()) === 'too old') {
      return `${repository}: its database is from ${databaseOf(found).day}`;
    }
    const place = join(keptIn(context), found.metadata.UpdatedAt.replace(/\D/g, '').slice(0, 14));
    // Another run may have been faster; its database is the same.
    await rename(folder, place).catch(() => {});
    // The previous one stays, as another run may use it.
    for (const old of (await kept(context)).slice(2)) {
      await rm(join(keptIn(context), old), { recursive: true, force: true });
    }
    return (await presentIn(place)) ?? `${repository}: the downloaded database is gone`;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
