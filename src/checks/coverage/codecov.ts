import { deflateSync } from 'node:zlib';
import { z } from 'zod';
import { messageOf } from '../../kernel/errors.ts';
import { harmless } from '../../kernel/foreign.ts';
import type { FileCoverage } from '../model.ts';
import { writeLcov } from './reports.ts';

/** The commit of a coverage report. */
interface CodecovCommit {
  /** `owner/name` on GitHub. */
  readonly repository: string;
  readonly commit: string;
  /** `owner:branch` for a pull request from a fork: Codecov takes such an upload without a token. */
  readonly branch: string;
  readonly pull: number | undefined;
}

interface CodecovOptions {
  /** CODECOV_TOKEN, CODECOV_URL for a self-hosted server, and GitHub's variables about the run. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** All files of the repository: Codecov matches paths with them. */
  readonly files: readonly string[];
  /** For upload and storage together. */
  readonly timeoutMs?: number;
}

/** Where Codecov's own command line sends uploads (codecov-cli, helpers/config.py). */
const ingest = 'https://ingest.codecov.io';

/**
 * Sends coverage to Codecov as codecov-cli does: the upload is announced at `upload-coverage`, which answers with an
 * address of its storage to PUT the reports to.
 *
 * @returns undefined, or a warning with the reason of the failure. It throws only when the run is aborted.
 */
export async function uploadToCodecov(
  coverage: readonly FileCoverage[],
  about: CodecovCommit,
  options: CodecovOptions,
): Promise<string | undefined> {
  const { env, signal, timeoutMs = 30_000 } = options;
  const token = env['CODECOV_TOKEN']?.trim() ?? '';
  if (token === '' && !about.branch.includes(':')) {
    return 'Codecov: coverage was not uploaded. Set CODECOV_TOKEN.';
  }
  const deadline = AbortSignal.timeout(timeoutMs);
  const within = AbortSignal.any([signal, deadline]);
  try {
    const place = await announce(about, env, token, within);
    await store(place, reports(coverage, options.files), within);
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    const why = deadline.aborted ? `no answer within ${timeoutMs / 1000} s` : words(error);
    return `Codecov: upload failed: ${token === '' ? why : why.replaceAll(token, '***')}.`;
  }
}

const answer = z.looseObject({ raw_upload_location: z.url({ protocol: /^https?$/ }) });

/** @returns the address to upload the reports to. */
async function announce(
  about: CodecovCommit,
  env: CodecovOptions['env'],
  token: string,
  signal: AbortSignal,
): Promise<string> {
  const base = (env['CODECOV_URL']?.trim() || ingest).replace(/(?<!\/)\/+$/, '');
  const [owner = '', name = ''] = about.repository.split('/');
  // codecov-cli, helpers/encoder.py
  const slug = [owner, name].map(encodeURIComponent).join('::::');
  const server = env['GITHUB_SERVER_URL'];
  const run = env['GITHUB_RUN_ID'];
  const body = {
    branch: about.branch,
    ci_service: run === undefined ? 'local' : 'github-actions',
    ci_url: run === undefined ? null : `${server}/${about.repository}/actions/runs/${run}`,
    cli_args: {},
    code: 'default',
    commitid: about.commit,
    env: {},
    file_not_found: false,
    flags: [],
    job_code: env['GITHUB_WORKFLOW'] ?? null,
    name: null,
    parent_commit_id: null,
    pullid: about.pull === undefined ? null : String(about.pull),
    version: 'sluice',
  };
  const response = await fetch(`${base}/upload/github/${slug}/upload-coverage`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === '' ? {} : { authorization: `token ${token}` }),
    },
    body: JSON.stringify(body),
    // The token must not reach any other address.
    redirect: 'manual',
    signal,
  });
  await refuseFailure(response, 'Codecov');
  const place = answer.safeParse(await response.json().catch(() => undefined));
  if (!place.success) throw new Error('the response has no upload address');
  return place.data.raw_upload_location;
}

/** The address is signed already: the token must not go there. */
async function store(place: string, content: string, signal: AbortSignal): Promise<void> {
  const response = await fetch(place, { method: 'PUT', body: content, redirect: 'manual', signal });
  await refuseFailure(response, 'the storage');
}

async function refuseFailure(response: Response, who: string): Promise<void> {
  if (response.ok) return;
  const text = harmless((await response.text().catch(() => '')).slice(0, 300)).replace(/\s+/g, ' ');
  throw new Error(`${who} answered ${response.status}${text === '' ? '' : ` (${text.trim()})`}`);
}

function reports(coverage: readonly FileCoverage[], files: readonly string[]): string {
  const lcov = deflateSync(writeLcov(coverage)).toString('base64');
  return JSON.stringify({
    report_fixes: { format: 'legacy', value: {} },
    network_files: files,
    coverage_files: [{ filename: 'lcov.info', format: 'base64+compressed', data: lcov, labels: '' }],
    metadata: {},
  });
}

/** fetch reports only `fetch failed`; the reason is in its cause. */
function words(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return messageOf(cause ?? error).replace(/\.$/, '');
}

const pullEvent = z.looseObject({
  number: z.number(),
  pull_request: z.looseObject({
    head: z.looseObject({
      sha: z.string(),
      ref: z.string(),
      repo: z.looseObject({ full_name: z.string() }).nullish(),
    }),
  }),
});

/**
 * The commit of a workflow run on GitHub. For pull requests GITHUB_SHA is a merge commit that exists only for the run;
 * the coverage belongs to the head.
 *
 * @param event content of the file GITHUB_EVENT_PATH.
 * @returns undefined outside of GitHub Actions.
 */
export function codecovCommit(env: CodecovOptions['env'], event: unknown): CodecovCommit | undefined {
  const { GITHUB_REPOSITORY: repository = '', GITHUB_SHA: commit = '' } = env;
  if (!/^[\w.-]+\/[\w.-]+$/.test(repository) || !/^[\da-f]{40,64}$/.test(commit)) return undefined;
  const pull = pullEvent.safeParse(event);
  if (!pull.success) {
    return { repository, commit, branch: env['GITHUB_REF_NAME'] ?? '', pull: undefined };
  }
  const { head } = pull.data.pull_request;
  const from = head.repo?.full_name;
  const isFork = from !== undefined && from !== null && from !== repository;
  const branch = isFork ? `${from.split('/')[0]}:${head.ref}` : head.ref;
  return { repository, commit: head.sha, branch, pull: pull.data.number };
}
