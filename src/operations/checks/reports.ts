import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChecksReport } from '../../checks/model.ts';
import { checksJson } from '../../checks/report/json.ts';
import { checksJunit } from '../../checks/report/junit.ts';
import { checksSarif } from '../../checks/report/sarif.ts';
import type { Mask } from '../../kernel/masking/mask.ts';

/** Where the files of a report are. */
export interface CheckReportFiles {
  readonly json: string;
  readonly junit: string;
  /** undefined when no category ran as a whole: half of one would close alerts that are still open. */
  readonly sarif: string | undefined;
}

/** Writes what other programs read, without a secret of this run. @param folder made when it is not there. */
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
