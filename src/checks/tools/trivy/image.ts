import type { CheckOutput, Finding } from '../../model.ts';
import { folderOf } from '../../repo.ts';
import type { CheckContext } from '../../tool.ts';
import { notRun } from '../answer.ts';
import { repositoryTool } from '../planned.ts';
import { vulnerabilityDatabase } from './database.ts';
import { vulnerabilityFindings } from './report.ts';
import { databaseFlags, runTrivy, trivyBinary } from './run.ts';

const composeNames = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml'];

/** Vulnerabilities in the images of the compose services, as far as this machine's engine has them (`checks.scan.images`). */
export const trivyImage = repositoryTool(
  { name: 'trivy', category: 'scan', check: 'trivy image' },
  (repo, settings) => {
    const compose = composeNames.find((name) => repo.files.includes(name));
    if (!settings.scan.images || compose === undefined) return undefined;
    return {
      folder: folderOf(compose),
      why: `checks.scan.images is set, and found ${compose}`,
      command: 'trivy image <each image of docker compose config --images>',
      needs: [trivyBinary, vulnerabilityDatabase],
      cost: { cores: 1, memory: 600 * 1024 * 1024, seconds: 15 },
      run: scan,
    };
  },
);

async function scan(context: CheckContext): Promise<CheckOutput> {
  const listed = await context.spawn(['docker', 'compose', 'config', '--images'], { quiet: true });
  if (listed.code !== 0) return notRun(listed, 'docker compose failed to list the images of the services');
  const images = [...new Set(listed.stdout.split('\n').filter((line) => line.trim() !== ''))].sort();
  const present: string[] = [];
  for (const image of images) if (await isPresent(image, context)) present.push(image);
  if (present.length === 0) {
    return {
      ran: false,
      why: `no image of the services is on this machine (${images.join(', ')})`,
      fix: 'Build them before the checks (`sluice build`, `docker compose build`), or set checks.scan.images: false.',
    };
  }
  const findings: Finding[] = [];
  for (const image of present) {
    context.note(image);
    const found = await scanImage(image, context);
    if (!Array.isArray(found)) return found as CheckOutput;
    findings.push(...found);
  }
  const { version } = context.prepared(trivyBinary);
  return {
    ran: true,
    findings,
    summary: `${present.length} of ${images.length} images`,
    ...(version === undefined ? {} : { version }),
  };
}

async function isPresent(image: string, context: CheckContext): Promise<boolean> {
  const argv = ['docker', 'image', 'inspect', '--format', '{{.Id}}', image] as const;
  return (await context.spawn(argv, { quiet: true })).code === 0;
}

async function scanImage(image: string, context: CheckContext): Promise<Finding[] | CheckOutput> {
  const { folder } = context.prepared(vulnerabilityDatabase);
  // The cache of layers on disk is a bbolt file, which only one process at a time can open.
  const flags = ['--cache-dir', folder, '--cache-backend=memory', '--image-src=docker'];
  const answer = await runTrivy(context, ['image', ...flags, ...databaseFlags], image);
  if ('notRun' in answer) return answer.notRun;
  const within = `in the image ${image}`;
  const where = { file: () => undefined, line: () => undefined, within };
  return vulnerabilityFindings(answer.said, context.settings.scan, where).map((finding) => ({
    ...finding,
    subject: `${finding.subject} ${within}`,
  }));
}
