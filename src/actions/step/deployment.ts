import { runUrl } from '../../deploy/report/report.ts';
import { isCancellation } from '../../kernel/cancel.ts';
import { messageOf } from '../../kernel/errors.ts';
import type { Deployed } from '../../operations/deploy/deploy.ts';
import { headline } from '../../report/headline.ts';
import { isSuccess } from '../../report/outcome.ts';
import { httpUrl } from '../../report/url.ts';
import { headOf } from './event.ts';
import { type DeploymentState, type DeploymentsApi, openDeployments } from './github-api.ts';
import { text, type Values } from './inputs.ts';
import type { Job } from './job.ts';

/*
 * GitHub's own record of a deployment. A job with `environment:` creates one by itself, and an action cannot see whether
 * its job has one: Sluice creates its own only if the input `environment` is set. Failures here are warnings: a deploy
 * never depends on GitHub's API.
 */

export const deploymentInputs = { environment: text, 'github-token': text } as const;
type Given = Values<typeof deploymentInputs>;

/** A cancelled step has about seven seconds for everything; the undo comes first. */
const cancelledMs = 1_500;

/** Records a deployment around a deploy; its last status is always sent, by the post step at the latest. */
export async function recorded(given: Given, job: Job, body: () => Promise<Deployed>): Promise<Deployed> {
  const { env, signal } = job.effects;
  // The checkout is deployed, which may be another commit than the one the run is for.
  const commit = given.environment === undefined ? undefined : await headOf(job.effects);
  const record = await begin(given, job, commit ?? env.GITHUB_SHA ?? '', 'deploy');
  try {
    const done = await body();
    await record?.end(stateOf(done), headline(done.report), done.target.url);
    return done;
  } catch (error) {
    const nothing = isCancellation(error, signal);
    await record?.end(nothing ? 'inactive' : 'failure', messageOf(error), undefined);
    throw error;
  }
}

/** The commit of a rollback is known only at its end: that of the release which is serving again. */
export async function recordedAfter(
  given: Given,
  job: Job,
  body: () => Promise<Deployed>,
): Promise<Deployed> {
  const done = await body();
  if (stateOf(done) !== 'success') return done;
  const ref = done.report.commit ?? job.effects.env.GITHUB_SHA ?? '';
  const record = await begin(given, job, ref, 'deploy:rollback');
  await record?.end('success', headline(done.report), done.target.url);
  return done;
}

/** Ends the record of a main step that was killed before. */
export async function endRecord(given: Given, job: Job, id: number, what: string): Promise<void> {
  await quietly(job, async () => {
    const api = await open(given, job);
    const status = {
      environment: given.environment ?? '',
      environmentUrl: undefined,
      logUrl: runUrl(job.effects.env),
    };
    await api?.setStatus(id, { ...status, state: 'failure', description: what });
  });
}

interface OpenRecord {
  readonly end: (state: DeploymentState, description: string, url: string | undefined) => Promise<void>;
}

async function begin(
  given: Given,
  job: Job,
  ref: string,
  task: 'deploy' | 'deploy:rollback',
): Promise<OpenRecord | undefined> {
  const { environment } = given;
  if (environment === undefined) return undefined;
  const logUrl = runUrl(job.effects.env);
  const created = await quietly(job, async () => {
    const api = await open(given, job);
    if (api === undefined) return undefined;
    const id = await api.create({ ref, task, environment, description: 'by Sluice' });
    job.remember('deployment', String(id));
    return { api, id };
  });
  if (created === undefined) return undefined;
  const { api, id } = created;
  const status = { environment, logUrl, environmentUrl: undefined };
  await quietly(job, () =>
    api.setStatus(id, { ...status, state: 'in_progress', description: 'In progress' }),
  );
  return {
    end: async (state, what, url) => {
      const description = job.effects.mask.scrub(what);
      const last = { ...status, state, description, environmentUrl: httpUrl(url) };
      await quietly(job, async () => {
        await api.setStatus(id, last);
        job.remember('deployment', '');
      });
    },
  };
}

async function open(given: Given, { effects }: Job): Promise<DeploymentsApi | undefined> {
  const { GITHUB_REPOSITORY: repository } = effects.env;
  const token = given['github-token'];
  if (token === undefined || repository === undefined) {
    effects.log.warn('No deployment is recorded on GitHub: the input environment also needs github-token');
    return undefined;
  }
  return await openDeployments(token, repository, () =>
    effects.signal.aborted ? AbortSignal.timeout(cancelledMs) : undefined,
  );
}

async function quietly<T>({ effects }: Job, body: () => Promise<T>): Promise<T | undefined> {
  return await body().catch((error: unknown) => {
    effects.log.warn(`GitHub's record of the deployment is not up to date: ${messageOf(error)}`);
    return undefined;
  });
}

function stateOf({ report }: Deployed): DeploymentState {
  if (isSuccess(report)) return 'success';
  const untouched = report.outcome === 'failed-before-change' && report.error?.code === 'cancelled';
  return untouched ? 'inactive' : 'failure';
}
