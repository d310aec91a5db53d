import { join } from 'node:path';
import { writeProject } from '../../bed/app/project.ts';
import type { VersionName } from '../../bed/app/versions.ts';
import type { Bed, BedHost } from '../../bed/bed.ts';
import { copyTo, mustOverSsh, type Place } from './ssh.ts';

const folder = '/home/deploy/plain';

/** Ports on an address of its own: another deployment may have the usual ones on the same host. */
const compose = `HTTP_BIND=127.0.0.2 DB_BIND=127.0.0.2 docker compose \\
  --project-directory ${folder} --project-name plain --env-file ${folder}/.env.bed \\
  -f ${folder}/compose.yml -f ${folder}/compose.prod.yml -f ${folder}/compose.bed.yml`;

/** The example, deployed the way most teams begin. Copies the project and brings a version up with its data. */
export async function startPlain(
  bed: Bed,
  host: BedHost,
  scratch: string,
  version: VersionName,
): Promise<void> {
  const project = writeProject(join(scratch, 'plain'), bed.hosts);
  await copyTo(bed, host, project.folder, folder);
  await mustOverSsh(
    bed,
    host,
    `set -e
export TAG=${version}
${compose} pull --quiet
${compose} up -d --wait db redis
${compose} run --rm --no-deps backend alembic upgrade head
${compose} up -d --wait`,
  );
}

/** The deploy itself: one line over ssh. `services` in Compose's words; empty for all. */
export async function pullAndUp(
  bed: Bed,
  host: BedHost,
  version: VersionName,
  services: string,
  at?: Place,
): Promise<void> {
  const line = `export TAG=${version}; ${compose} pull --quiet ${services} && ${compose} up -d ${services}`;
  await mustOverSsh(bed, host, line, at);
}

export async function removePlain(bed: Bed, host: BedHost): Promise<void> {
  const down = `[ ! -d ${folder} ] || ${compose} down --volumes --timeout 1`;
  await mustOverSsh(bed, host, `${down}; rm -rf ${folder}`);
}
