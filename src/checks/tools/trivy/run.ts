import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { CheckContext, RunContext } from '../../tool.ts';
import { toolboxTool } from '../../toolbox/toolbox.ts';
import { type Answer, badExit, notRun, readJson } from '../answer.ts';
import { type TrivyReport, trivyReport } from './report.ts';

export const trivyBinary = toolboxTool('trivy');

/** No downloads and no telemetry during a scan. */
const offline = [
  '--skip-check-update',
  '--skip-version-check',
  '--disable-telemetry',
  // All of them, regardless of TRIVY_SEVERITY and trivy.yaml: Sluice decides the level.
  '--severity=UNKNOWN,LOW,MEDIUM,HIGH,CRITICAL',
];

/** For scans with the vulnerability database. */
export const databaseFlags = [
  '--scanners=vuln',
  '--skip-db-update',
  '--skip-java-db-update',
  '--offline-scan',
];

/** A code that trivy does not use itself, to distinguish findings from a crash. */
const findingsCode = 3;
const longestReport = 100 * 1024 * 1024;

/** Runs trivy and reads its report, from a file: that of a large repository exceeds the limit for stdout. */
export async function runTrivy(
  context: CheckContext,
  command: readonly [string, ...string[]],
  target: string,
): Promise<Answer<TrivyReport>> {
  const { path } = context.prepared(trivyBinary);
  const file = join(context.scratch, `report-${crypto.randomUUID().slice(0, 8)}.json`);
  const flags = [...offline, '--format=json', `--output=${file}`, `--exit-code=${findingsCode}`];
  const run = await context.spawn([path, ...command, ...flags, target]);
  if (run.code !== 0 && run.code !== findingsCode) return { notRun: notRun(run, badExit('trivy', run.code)) };
  const size = await stat(file).then(
    (found) => found.size,
    () => 0,
  );
  if (size > longestReport) return { notRun: notRun(run, 'trivy wrote a report of more than 100 MB') };
  const said = size === 0 ? undefined : readJson(await readFile(file, 'utf8'), trivyReport);
  if (said === undefined) return { notRun: notRun(run, 'trivy did not write the expected report') };
  const found = (said.Results ?? []).some(
    ({ Vulnerabilities, Misconfigurations }) =>
      (Vulnerabilities ?? []).length > 0 || (Misconfigurations ?? []).length > 0,
  );
  if (run.code === findingsCode && !found) {
    return { notRun: notRun(run, `trivy exited with code ${run.code} but reported no finding`) };
  }
  return { said };
}

/**
 * A folder with only these files of the repository, at the same paths: ignored files (node_modules, virtual environments)
 * are not the repository's responsibility, and walking them takes most of the time.
 */
export async function excerpt(context: RunContext, files: readonly string[]): Promise<string> {
  const folder = join(context.scratch, 'files');
  await mkdir(folder, { recursive: true });
  for (const path of files) {
    const text = context.repo.read(path);
    if (text === undefined) continue;
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
}
