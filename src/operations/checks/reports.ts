import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChecksReport } from '../../checks/model.ts';
import { checksJunit } from '../../checks/report/junit.ts';
import { checksSarif } from '../../checks/report/sarif.ts';
import { breakCommandsInJson } from '../../kernel/foreign.ts';
import type { Mask } from '../../kernel/masking/mask.ts';

/** Paths of the written reports. */
interface CheckReportFiles {
  readonly json: string;
  readonly junit: string;
  /** undefined if no category ran completely: a part of one closes alerts that are still open. */
  readonly sarif: string | undefined;
}

/** Writes the reports for other programs, with secrets masked. @param folder created if it does not exist. */
export async function writeCheckReports(
  folder: string,
  given: ChecksReport,
  mask: Mask,
): Promise<CheckReportFiles> {
  await mkdir(folder, { recursive: true });
  const report = mask.scrubData(given);
  const write = async (name: string, text: string) => {
    const path = join(folder, name);
    await writeFile(path, text);
    return path;
  };
  const sarif = checksSarif(report);
  return {
    json: await write('report.json', checksJson(report)),
    junit: await write('junit.xml', checksJunit(report)),
    sarif: sarif === undefined ? undefined : await write('report.sarif', sarif),
  };
}

/** The report for programs; `version` changes when a field is removed or changes its meaning. */
export function checksJson(report: ChecksReport): string {
  return `${breakCommandsInJson(JSON.stringify({ version: 1, ...report }, null, 2))}\n`;
}
