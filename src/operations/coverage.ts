import { readFile } from 'node:fs/promises';
import type { Change } from '../checks/changed-lines.ts';
import { codecovCommit, uploadToCodecov } from '../checks/coverage/codecov.ts';
import { coverageFindings } from '../checks/coverage/totals.ts';
import type { CheckOutput, CoverageReport, FileCoverage, RawResult } from '../checks/model.ts';
import type { Repo } from '../checks/repo.ts';
import { percent } from '../checks/report/tests.ts';
import type { CheckSettings } from '../config/model.ts';
import type { Effects } from '../kernel/run.ts';

/** The coverage of all test runs together, as a check of its own: it may have a gate, which nothing passes by silence. */
export function coverageResults(
  report: CoverageReport | undefined,
  { coverage }: CheckSettings,
  change: Pick<Change, 'why' | 'isLost'>,
): RawResult[] {
  const hasGate = coverage.total !== undefined || coverage.changed !== undefined;
  if (report === undefined && !hasGate) return [];
  const facts = { id: 'coverage', tool: 'coverage', category: 'test', folder: '' } as const;
  const output = outputOf(report, coverage, change);
  const check = { ...facts, why: 'tests report their coverage', command: 'sluice check test' };
  return [{ check, output, seconds: 0 }];
}

function outputOf(
  report: CoverageReport | undefined,
  gates: CheckSettings['coverage'],
  { why, isLost }: Pick<Change, 'why' | 'isLost'>,
): CheckOutput {
  if (gates.changed !== undefined && isLost === true) {
    return { ran: false, why: `sluice.yml has a gate for the coverage of the change. ${why}` };
  }
  if (report === undefined) {
    return {
      ran: false,
      why: 'sluice.yml has a gate for coverage, and no test brought any',
      fix: 'Let the tests measure it (pytest-cov, @vitest/coverage-v8, Jest’s --coverage), or remove checks.coverage.',
    };
  }
  return { ran: true, findings: coverageFindings(report, gates), ...summaryOf(report) };
}

function summaryOf({ total }: CoverageReport): { readonly summary?: string } {
  return total === undefined ? {} : { summary: percent(total) };
}

/** Sends coverage to Codecov, whose troubles are a warning and no more. */
export async function sendToCodecov(
  coverage: readonly FileCoverage[],
  { files }: Repo,
  { env, log, mask, signal }: Effects,
): Promise<void> {
  mask.add(env.CODECOV_TOKEN ?? '');
  const event = await readFile(env.GITHUB_EVENT_PATH ?? '', 'utf8')
    .then(JSON.parse)
    .catch(() => undefined);
  const commit = codecovCommit(env, event);
  const trouble =
    commit === undefined
      ? 'Codecov: nothing was sent, uploads are for runs on GitHub'
      : await uploadToCodecov(coverage, commit, { env, signal, files });
  if (trouble !== undefined) log.warn(trouble);
}
