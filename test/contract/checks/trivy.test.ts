import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { vulnerabilityDatabase } from '../../../src/checks/tools/trivy/database.ts';
import { trivyFs } from '../../../src/checks/tools/trivy/fs.ts';
import { trivyImage } from '../../../src/checks/tools/trivy/image.ts';
import { tarOf } from '../../../src/kernel/tar.ts';
import { must } from '../../bed/command.ts';
import { checkBench, checkedRepo, defaultSettings } from '../../support/checks/context.ts';
import { trivyDatabase } from '../../support/checks/trivy-database.ts';

const database = await trivyDatabase();
const folder = mkdtempSync(join(tmpdir(), 'checks-trivy-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const hourMs = 60 * 60_000;
const time = (sinceMs: number) => new Date(Date.now() + sinceMs).toISOString();

/** A cache folder of trivy whose database was made at a time, and is to be renewed at another. */
function databaseOf(name: string, updatedMs: number, nextMs: number): string {
  const copy = join(folder, name);
  cpSync(database, copy, { recursive: true });
  const metadata = {
    Version: 2,
    UpdatedAt: time(updatedMs),
    NextUpdate: time(nextMs),
    DownloadedAt: time(updatedMs),
  };
  writeFileSync(join(copy, 'db/metadata.json'), JSON.stringify(metadata));
  return copy;
}

/** A registry that has the database of a cache folder, as an image of one layer. */
async function registryOf(cache: () => string) {
  const asked: string[] = [];
  const digest = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const files = ['trivy.db', 'metadata.json'].map((path) => ({
      path,
      content: readFileSync(join(cache(), 'db', path)),
    }));
    const layer = gzipSync(tarOf(files));
    const config = Buffer.from('{}');
    const manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        config: {
          mediaType: 'application/vnd.aquasec.trivy.config.v1+json',
          digest: digest(config),
          size: config.length,
        },
        layers: [
          {
            mediaType: 'application/vnd.aquasec.trivy.db.layer.v1.tar+gzip',
            digest: digest(layer),
            size: layer.length,
            annotations: { 'org.opencontainers.image.title': 'db.tar.gz' },
          },
        ],
      }),
    );
    const blobs = new Map([config, layer, manifest].map((bytes) => [digest(bytes), bytes]));
    const named = /\/(?:blobs|manifests)\/(.+)$/.exec(request.url ?? '')?.[1];
    if (named === undefined) return response.end();
    const bytes = named === '2' ? manifest : blobs.get(named);
    if (bytes === undefined) return response.writeHead(404).end();
    response.setHeader('content-type', 'application/vnd.oci.image.manifest.v1+json');
    response.setHeader('docker-content-digest', digest(bytes)).end(bytes);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}/trivy-db:2`,
    asked,
    [Symbol.dispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

describe('the database of vulnerabilities', () => {
  const files = { 'requirements.txt': 'pyyaml==5.3.1\n' };

  test('is fetched once, from the second registry when the first is away; then it needs no network', async () => {
    const source = databaseOf('source', -hourMs, 24 * hourMs);
    using registry = await registryOf(() => source);
    using repo = checkedRepo(files);
    const cache = join(folder, 'fetched');
    const env = { TRIVY_CACHE_DIR: undefined, SLUICE_TRIVY_DB: `127.0.0.1:9/db:2, ${registry.address}` };
    using bench = checkBench(await repo.open(), { cache, env });
    expect(await bench.runOnly(trivyFs)).toMatchObject({ ran: true, findings: [{ rule: 'CVE-2020-14343' }] });
    expect(readdirSync(join(cache, 'trivy'))).toEqual([expect.stringMatching(/^\d{14}$/)]);

    const requests = registry.asked.length;
    using again = checkBench(await repo.open(), { cache, env });
    expect(await again.runOnly(trivyFs)).toMatchObject({ ran: true, findings: [{ rule: 'CVE-2020-14343' }] });
    expect(registry.asked).toHaveLength(requests);
  });

  test('is renewed when its time has come; where it can’t be, it serves for a week', async () => {
    using repo = checkedRepo(files);
    const make = async (cache: string, registry: string) => {
      const env = { TRIVY_CACHE_DIR: cache, SLUICE_TRIVY_DB: registry };
      using bench = checkBench(await repo.open(), { cache: join(folder, 'own'), env });
      return await bench.make(vulnerabilityDatabase);
    };
    const stale = databaseOf('stale', -6 * 24 * hourMs, -5 * 24 * hourMs);
    expect(await make(stale, '127.0.0.1:9/db:2')).toEqual({
      folder: stale,
      day: time(-6 * 24 * hourMs).slice(0, 10),
    });
    const old = databaseOf('old', -8 * 24 * hourMs, -7 * 24 * hourMs);
    await expect(make(old, '127.0.0.1:9/db:2')).rejects.toMatchObject({
      code: 'checks.vulnerability-data',
      message: expect.stringContaining('The vulnerability database is too old'),
      output: expect.stringContaining('connection refused'),
    });
    let source = old;
    using registry = await registryOf(() => source);
    await expect(make(old, registry.address)).rejects.toMatchObject({
      output: expect.stringContaining(`its database is from ${time(-8 * 24 * hourMs).slice(0, 10)}`),
    });
    source = databaseOf('fresh', -hourMs, 24 * hourMs);
    expect(await make(old, registry.address)).toEqual({
      folder: expect.stringMatching(/\/own\/trivy\/\d{14}$/),
      day: time(-hourMs).slice(0, 10),
    });
    // What was given by TRIVY_CACHE_DIR may be in use by others: it is left alone.
    expect(readFileSync(join(old, 'db/metadata.json'), 'utf8')).toContain(
      time(-8 * 24 * hourMs).slice(0, 10),
    );
  });
});

describe('trivy image', () => {
  const settings = { ...defaultSettings, scan: { ...defaultSettings.scan, images: true } };
  const env = { TRIVY_CACHE_DIR: database };
  const compose =
    'name: sluice-checks\nservices:\n  web: { image: "sluice-checks-web:1" }\n  db: { image: "sluice-checks-none:1" }\n';

  test('looks into those images of the services that are on this machine', async () => {
    const status = ['zlib1g', 'libssl3t64'].map(
      (name, at) =>
        `Package: ${name}\nStatus: install ok installed\nArchitecture: amd64\nSource: ${['zlib', 'openssl'][at]}\nVersion: 1.0-1\n\n`,
    );
    const os = 'ID=debian\nVERSION_ID="13"\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n';
    const tar = join(folder, 'image.tar');
    writeFileSync(
      tar,
      tarOf([
        { path: 'etc/os-release', content: Buffer.from(os) },
        { path: 'etc/debian_version', content: Buffer.from('13.1\n') },
        { path: 'var/lib/dpkg/status', content: Buffer.from(status.join('')) },
      ]),
    );
    await must(['docker', 'import', tar, 'sluice-checks-web:1']);
    using repo = checkedRepo({ 'compose.yml': compose });
    using bench = checkBench(await repo.open(), { settings, env });
    try {
      const output = await bench.runOnly(trivyImage);
      expect(output).toMatchObject({ ran: true, summary: '1 of 2 images' });
      const found = output.ran ? output.findings : [];
      expect(found.map(({ level, subject }) => `${level} ${subject}`).sort()).toEqual([
        'fail deb:libssl3t64 in the image sluice-checks-web:1',
        'review deb:zlib1g in the image sluice-checks-web:1',
      ]);
      expect(found.find(({ level }) => level === 'fail')).toMatchObject({
        rule: 'CVE-2099-3002',
        severity: 'critical',
        message:
          'libssl3t64 1.0-1 in the image sluice-checks-web:1 has CVE-2099-3002 (CRITICAL): openssl: out of bounds read.',
        fix: 'Upgrade libssl3t64 to 9.0.0-1.',
      });
    } finally {
      await must(['docker', 'rmi', 'sluice-checks-web:1']);
    }
  });

  test('did not run when none of them is there, or when compose can’t name them', async () => {
    using repo = checkedRepo({ 'compose.yml': compose.replace('-web:', '-gone:') });
    using bench = checkBench(await repo.open(), { settings, env });
    expect(await bench.runOnly(trivyImage)).toMatchObject({
      ran: false,
      why: 'no image of the services is on this machine (sluice-checks-gone:1, sluice-checks-none:1)',
    });
    using broken = checkedRepo({ 'compose.yml': 'services: [\n' });
    using other = checkBench(await broken.open(), { settings, env });
    expect(await other.runOnly(trivyImage)).toMatchObject({
      ran: false,
      why: 'docker compose failed to list the images of the services',
    });
  });
});
