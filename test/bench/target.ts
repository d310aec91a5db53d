import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Project, type ProjectSettings, writeProject } from '../bed/app/project.ts';
import type { VersionName } from '../bed/app/versions.ts';
import type { Bed } from '../bed/bed.ts';
import { type CliRun, sluice } from '../bed/demo/cli.ts';

export const scratch = join(import.meta.dirname, '../../build/bench/work');

/** A project folder of its own for a benchmark. */
export function freshProject(bed: Bed, name: string, settings: ProjectSettings): Project {
  const folder = join(scratch, name);
  rmSync(folder, { recursive: true, force: true });
  const project = writeProject(folder, bed.hosts, settings);
  // It lies below the checkout, whose git ignores it: a repository of its own is what a team has.
  execFileSync('git', ['init', '--quiet', folder]);
  execFileSync('git', ['-C', folder, 'add', 'nginx']);
  return project;
}

/** Deploys a version; anything but a confirmed change is an error that shows what the CLI said. */
export async function deployVersion(
  bed: Bed,
  project: Project,
  target: string,
  version: VersionName,
  more: readonly string[] = [],
): Promise<CliRun> {
  const args = ['deploy', target, '--release', version, '--images', project.images(version), ...more];
  const run = await sluice(args, {
    folder: project.folder,
    key: bed.privateKeyPath,
    env: { SLUICE_BUNDLE: '1' },
  });
  if (run.report?.outcome === 'confirmed') return run;
  const said = run.lines.map((line) => line.message).join('\n');
  throw new Error(`sluice ${args.join(' ')}: exit code ${run.code}\n${said}\n${run.stdout.slice(0, 2000)}`);
}
