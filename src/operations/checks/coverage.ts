import { readFile } from 'node:fs/promises';
import type { Change } from '../../checks/change/lines.ts';
import { codecovCommit, uploadToCodecov } from '../../checks/coverage/codecov.ts';
import { coverageFindings } from '../../checks/coverage/totals.ts';
import type { CheckOutput, CoverageReport, FileCoverage, Finding, RawResult } from '../../checks/model.ts';
import type { Repo } from '../../checks/repo.ts';
import type { CheckSettings } from '../../config/model.ts';
import { formatShareDown } from '../../kernel/figures.ts';
import type { Effects } from '../../kernel/run.ts';

/**
 * The coverage of all test runs together, as a separate check: its gate must not pass without a measurement.
 *
 * @param raw results of all checks: with a gate, test runs without coverage are reported.
 */
export function coverageResults(
  report: CoverageReport | undefined,
  raw: readonly RawResult[],
  { coverage }: CheckSettings,
  change: Pick<Change, 'why' | 'isLost'>,
): RawResult[] {
  const hasGate = coverage.total !== undefined || coverage.changed !== undefined;
  if (report === undefined && !hasGate) return [];
  const facts = { id: 'coverage', tool: 'coverage', category: 'test', folder: '' } as const;
  const found = outputOf(report, coverage, change);
  const output =
    found.ran && hasGate ? { ...found, findings: [...found.findings, ...unmeasured(raw)] } : found;
  const check = { ...facts, why: 'tests report their coverage', command: 'sluice check test' };
  return [{ check, output, seconds: 0 }];
}

function outputOf(
  report: CoverageReport | undefined,
  gates: CheckSettings['coverage'],
  { why, isLost }: Pick<Change, 'why' | 'isLost'>,
): CheckOutput {
  if (gates.changed !== undefined && isLost === true) {
    return { ran: false, why: `sluice.yml requires coverage of the change. ${why}` };
  }
  if (report === undefined) {
    return {
      ran: false,
      why: 'sluice.yml requires coverage, but no test run measured it',
      fix: 'Measure it (pytest-cov, @vitest/coverage-v8, Jest’s --coverage), or remove checks.coverage.',
    };
  }
  return { ran: true, findings: coverageFindings(report, gates), ...summaryOf(report) };
}

/** Notes about test runs without coverage: lines that only they run are missing in the total. */
function unmeasured(raw: readonly RawResult[]): Finding[] {
  return raw.flatMap(({ check, output }): Finding[] => {
    if (output?.ran !== true || output.tests === undefined || output.coverage !== undefined) return [];
    return [
      {
        ...{ tool: 'coverage', rule: 'unmeasured', severity: 'info', level: 'note', subject: check.id },
        message: `${check.id} measured no coverage: the total does not include the code it tests.`,
        fix: 'Add pytest-cov, @vitest/coverage-v8, or Jest’s --coverage.',
      },
    ];
  });
}

function summaryOf({ total }: CoverageReport): { readonly summary?: string } {
  return total === undefined ? {} : { summary: formatShareDown(total) };
}

/** Sends coverage to Codecov; a failure is only a warning. */
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
      ? 'Codecov: coverage was not uploaded, because this run is not on GitHub'
      : await uploadToCodecov(coverage, commit, { env, signal, files });
  if (trouble !== undefined) log.warn(trouble);
}
