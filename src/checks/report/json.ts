import { breakCommandsInJson } from '../../kernel/foreign.ts';
import type { ChecksReport } from '../model.ts';

/** The report for programs; `version` changes when a field is removed or changes its meaning. */
export function checksJson(report: ChecksReport): string {
  return `${breakCommandsInJson(JSON.stringify({ version: 1, ...report }, null, 2))}\n`;
}
