import type { CheckOutput } from '../../model.ts';
import type { Repo } from '../../repo.ts';
import type { CheckContext } from '../../tool.ts';
import { filesSeen } from '../answer.ts';
import { repositoryTool } from '../planned.ts';
import { isDockerfile } from '../scan/hadolint.ts';
import { isLockFile } from '../scan/lock-files.ts';
import { misconfigurationFindings } from './report.ts';
import { excerpt, runTrivy, trivyBinary } from './run.ts';

/** Misconfigurations by trivy's built-in checks: Dockerfiles, Kubernetes, Helm, Terraform; no compose files. */
export const trivyConfig = repositoryTool(
  { name: 'trivy', category: 'scan', check: 'trivy config' },
  (repo) => {
    const first = repo.files.find((path) => isScanned(path, repo));
    if (first === undefined) return undefined;
    return {
      why: `found ${first}`,
      command: 'trivy config .',
      needs: [trivyBinary],
      cost: { cores: 1, memory: 400 * 1024 * 1024, seconds: 2 },
      run: scan,
    };
  },
);

/** Files that trivy may need: charts and modules consist of several. */
const wanted = /\.(?:tf|tfvars|tf\.json|ya?ml|tpl)$/;

function isScanned(path: string, repo: Repo): boolean {
  if (isDockerfile(path) || path.endsWith('.tf')) return true;
  if (!/\.ya?ml$/.test(path) || isLockFile(path)) return false;
  const text = repo.read(path) ?? '';
  return /^apiVersion:/m.test(text) && /^kind:/m.test(text);
}

async function scan(context: CheckContext): Promise<CheckOutput> {
  const wantedFiles = context.repo.files.filter(
    (path) => isDockerfile(path) || (wanted.test(path) && !isLockFile(path)),
  );
  const files = await excerpt(context, wantedFiles);
  const flags = ['--misconfig-scanners=dockerfile,helm,kubernetes,terraform', '--include-non-failures'];
  const cache = ['--cache-dir', `${context.scratch}/cache`];
  const answer = await runTrivy(context, ['config', ...cache, ...flags], files);
  if ('notRun' in answer) return answer.notRun;
  const listed = new Set((answer.said.Results ?? []).map(({ Target }) => Target));
  const unread = wantedFiles.filter((path) => isDockerfile(path) && !listed.has(path));
  if (unread.length > 0) return { ran: false, why: `trivy could not read ${unread.join(', ')}` };
  const { version } = context.prepared(trivyBinary);
  return {
    ran: true,
    findings: misconfigurationFindings(answer.said),
    summary: filesSeen(listed.size),
    ...(version === undefined ? {} : { version }),
  };
}
