import { systemClock } from '../../kernel/clock.ts';
import { messageOf } from '../../kernel/errors.ts';
import { retry } from '../../kernel/retry.ts';

export type DeploymentState = 'in_progress' | 'success' | 'failure' | 'inactive';

export interface NewDeployment {
  readonly ref: string;
  readonly task: 'deploy' | 'deploy:rollback';
  readonly environment: string;
  readonly description: string;
}

export interface DeploymentStatus {
  readonly state: DeploymentState;
  readonly environment: string;
  readonly description: string;
  /** The URL of the app. */
  readonly environmentUrl: string | undefined;
  /** The page of the run. */
  readonly logUrl: string | undefined;
}

/** GitHub's deployments, as far as Sluice records them. */
export interface DeploymentsApi {
  /** @returns the id. */
  create(deployment: NewDeployment): Promise<number>;
  setStatus(id: number, status: DeploymentStatus): Promise<void>;
}

const statusTries = 3;
const pauseMs = 500;
const timeoutMs = 10_000;
/** GitHub refuses longer descriptions. */
const descriptionLength = 140;

/**
 * @param repository `owner/name`.
 * @param until ends the requests; a cancelled step has little time left.
 */
export async function openDeployments(
  token: string,
  repository: string,
  until: () => AbortSignal | undefined,
): Promise<DeploymentsApi> {
  // Loaded here alone: most runs record no deployment. It reads GITHUB_API_URL and the event's payload as it loads.
  const { getOctokit } = await import('@actions/github');
  const client = getOctokit(token, { log: silent });
  const [owner = '', repo = ''] = repository.split('/');

  async function request<T>(tries: number, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    let ended: AbortSignal | undefined;
    const attempt = () => {
      ended = until();
      const timeout = AbortSignal.timeout(timeoutMs);
      return call(ended === undefined ? timeout : AbortSignal.any([timeout, ended]));
    };
    try {
      return await retry(attempt, {
        clock: systemClock,
        pauseMs: (error, made) =>
          made < tries && !ended?.aborted && isPassing(error) ? pauseMs * made : undefined,
      });
    } catch (error) {
      throw explained(error);
    }
  }
  return {
    create: async ({ ref, task, environment, description }) => {
      // No retry: a second deployment would never be closed.
      const { data } = await request(1, (signal) =>
        client.rest.repos.createDeployment({
          owner,
          repo,
          ref,
          task,
          environment,
          description: description.slice(0, descriptionLength),
          // Exactly this commit is deployed, and the workflow decides which checks must pass before.
          auto_merge: false,
          required_contexts: [],
          request: { signal },
        }),
      );
      if ('id' in data) return data.id;
      throw new Error(data.message ?? 'the answer has no id');
    },
    setStatus: async (deployment_id, { state, environment, description, environmentUrl, logUrl }) => {
      await request(statusTries, (signal) =>
        client.rest.repos.createDeploymentStatus({
          owner,
          repo,
          deployment_id,
          state,
          environment,
          description: description.slice(0, descriptionLength),
          ...(environmentUrl === undefined ? {} : { environment_url: environmentUrl }),
          ...(logUrl === undefined ? {} : { log_url: logUrl }),
          request: { signal },
        }),
      );
    },
  };
}

/** Octokit logs to the console what it then throws. */
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Whether the same request may succeed in a moment. */
function isPassing(error: unknown): boolean {
  const status = statusOf(error);
  return status === undefined || status >= 500 || status === 429;
}

function statusOf(error: unknown): number | undefined {
  const isNumber =
    typeof error === 'object' && error !== null && 'status' in error && typeof error.status === 'number';
  return isNumber ? (error.status as number) : undefined;
}

function explained(error: unknown): Error {
  const status = statusOf(error);
  const hint =
    status === 403 || status === 404
      ? '; the job needs `permissions: { deployments: write }` and a token of this repository'
      : '';
  const [first = ''] = messageOf(error).split('\n');
  return new Error(`${status === undefined ? '' : `${status}: `}${first.slice(0, 300)}${hint}`, {
    cause: error,
  });
}
