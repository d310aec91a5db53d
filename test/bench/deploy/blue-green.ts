import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeProject } from '../../bed/app/project.ts';
import type { VersionName } from '../../bed/app/versions.ts';
import type { Bed, BedHost } from '../../bed/bed.ts';
import { must } from '../../bed/command.ts';
import { copyTo, mustOverSsh, type Place } from './ssh.ts';

/**
 * What a team writes that wants no downtime and has an afternoon: two of each web service, a health poll, an nginx
 * upstream file, a reload. No lease, no backup, no watch, no way back.
 */

const folder = '/home/deploy/bluegreen';

const compose = `docker compose --project-directory ${folder} --project-name bluegreen -f ${folder}/compose.json`;

const web = { backend: 8000, frontend: 3000 } as const;

export async function startBlueGreen(
  bed: Bed,
  host: BedHost,
  scratch: string,
  version: VersionName,
): Promise<void> {
  const project = writeProject(join(scratch, 'bluegreen'), bed.hosts);
  await addColours(project.folder);
  await copyTo(bed, host, project.folder, folder);
  await mustOverSsh(
    bed,
    host,
    `set -e
export TAG=${version}
${compose} pull --quiet
${compose} up -d --wait db redis
${compose} run --rm --no-deps backend-blue alembic upgrade head
${compose} up -d --wait --no-deps backend-blue frontend-blue celery-worker celery-beat
${compose} up -d --wait --no-deps nginx
echo blue >${folder}/active`,
  );
}

/** The deploy itself: one script over ssh. `all` replaces the workers too, as a deploy of the whole app has to. */
export async function deployBlueGreen(
  bed: Bed,
  host: BedHost,
  version: VersionName,
  what: 'backend' | 'all',
  at?: Place,
): Promise<void> {
  const services = what === 'all' ? (['backend', 'frontend'] as const) : (['backend'] as const);
  const perService = (line: (service: keyof typeof web) => string) => services.map(line).join('\n');
  const named = (colour: string) => services.map((service) => `${service}-$${colour}`).join(' ');
  const script = `set -e
cd ${folder}
export TAG=${version}
old=$(cat active)
if [ "$old" = blue ]; then new=green; else new=blue; fi
${compose} up -d --no-deps ${named('new')}
${perService(
  (
    service,
  ) => `address=$(docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "bluegreen-${service}-$new-1")
until curl -fs -o /dev/null "http://$address:${web[service]}${service === 'backend' ? '/api/health' : '/'}"; do sleep 0.2; done`,
)}
${perService((service) => `echo "server ${service}-$new:${web[service]};" >upstreams/${service}`)}
docker exec bluegreen-nginx-1 nginx -s reload
${what === 'all' ? `${compose} up -d --no-deps celery-worker celery-beat` : ''}
${compose} stop ${named('old')}
echo "$new" >active`;
  await mustOverSsh(bed, host, script, at);
}

export async function removeBlueGreen(bed: Bed, host: BedHost): Promise<void> {
  const down = `[ ! -d ${folder} ] || ${compose} down --volumes --timeout 1`;
  await mustOverSsh(bed, host, `${down}; rm -rf ${folder}`);
}

interface Service {
  depends_on?: unknown;
  volumes?: unknown[];
}

/** Web services in two colours, and an nginx whose upstreams are files that the script rewrites. */
async function addColours(project: string): Promise<void> {
  const files = ['compose.yml', 'compose.prod.yml', 'compose.bed.yml'].flatMap((file) => ['-f', file]);
  const surroundings = ['TAG=tag-of-the-deploy', 'HTTP_BIND=127.0.0.3', 'DB_BIND=127.0.0.3'];
  const options = ['config', '--no-path-resolution', '--format', 'json'];
  const compose = ['docker', 'compose', '--env-file', '.env.bed', ...files, ...options];
  const resolved = await must(['env', ...surroundings, ...compose], { cwd: project });
  const merged = resolved.replaceAll('tag-of-the-deploy', '$TAG');
  const model = JSON.parse(merged) as { name?: string; services: Record<string, Service> };
  delete model.name;
  for (const service of Object.keys(web)) {
    const { [service]: single } = model.services;
    if (single === undefined) throw new Error(`the example has no service ${service}`);
    delete model.services[service];
    for (const colour of ['blue', 'green']) model.services[`${service}-${colour}`] = { ...single };
  }
  for (const service of Object.values(model.services)) delete service.depends_on;
  model.services.nginx?.volumes?.push('./upstreams:/etc/nginx/upstreams:ro');
  writeFileSync(join(project, 'compose.json'), JSON.stringify(model));

  const config = join(project, 'nginx/nginx.conf');
  let text = readFileSync(config, 'utf8');
  mkdirSync(join(project, 'upstreams'), { recursive: true });
  for (const [service, port] of Object.entries(web)) {
    text = text.replace(`server ${service}:${port};`, `include /etc/nginx/upstreams/${service};`);
    writeFileSync(join(project, 'upstreams', service), `server ${service}-blue:${port};\n`);
  }
  writeFileSync(config, text);
}
