import { readFile } from 'node:fs/promises';
import { codecovCommit, uploadToCodecov } from '../checks/coverage/codecov.ts';
import { coverageFindings } from '../checks/coverage/totals.ts';
import type { CoverageReport, FileCoverage, RawResult } from '../checks/model.ts';
import type { Repo } from '../checks/repo.ts';
import type { CheckSettings } from '../config/model.ts';
import type { Effects } from '../kernel/run.ts';

/** The coverage of all test runs together, as a check of its own: it may have a gate. */
export function coverageResult(report: CoverageReport, { coverage }: CheckSettings): RawResult {
  const facts = { id: 'coverage', tool: 'coverage', category: 'test', folder: '' } as const;
  return {
    check: { ...facts, why: 'tests report their coverage', command: 'sluice check test' },
    output: { ran: true, findings: coverageFindings(report, coverage) },
    seconds: 0,
  };
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
