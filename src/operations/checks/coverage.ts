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
 * The coverage of all test runs together, as a check of its own: it may have a gate, which nothing passes by silence.
 *
 * @param raw what all checks have brought: a test run that measured nothing is named where there is a gate.
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

/** The share is of what was measured: lines that only such a run executes are in no list at all. */
function unmeasured(raw: readonly RawResult[]): Finding[] {
  return raw.flatMap(({ check, output }): Finding[] => {
    if (output?.ran !== true || output.tests === undefined || output.coverage !== undefined) return [];
    return [
      {
        ...{ tool: 'coverage', rule: 'unmeasured', severity: 'info', level: 'note', subject: check.id },
        message: `${check.id} has measured no coverage: the share says nothing of what it tests.`,
        fix: 'Add what measures it: pytest-cov, @vitest/coverage-v8, or Jest’s --coverage.',
      },
    ];
  });
}

function summaryOf({ total }: CoverageReport): { readonly summary?: string } {
  return total === undefined ? {} : { summary: formatShareDown(total) };
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
