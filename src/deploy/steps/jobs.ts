import { docker } from '../../host/engine/docker-cli.ts';
import { UserError } from '../../kernel/errors.ts';
import { counted } from '../../kernel/figures.ts';
import { tail } from '../../kernel/process/process.ts';
import { type HostRun, onHosts } from '../context.ts';
import { compose, projectOf } from '../on-host/compose.ts';
import type { Step } from '../transaction.ts';

/** Runs one-off services to completion before the new containers start, as their dependents expect. */
export const jobs: Step = jobStep('jobs', (hostRun) =>
  jobsOf(hostRun).filter((name) => !isLate(hostRun, name)),
);

/**
 * Runs one-off services that need a service which starts in this deploy (an import over the app's own API): after it is
 * healthy, before any traffic moves.
 */
export const lateJobs: Step = jobStep('late-jobs', (hostRun) =>
  jobsOf(hostRun).filter((name) => isLate(hostRun, name)),
);

function jobStep(name: 'jobs' | 'late-jobs', servicesOf: (hostRun: HostRun) => string[]): Step {
  const container = (deploy: string, service: string) => `sluice-job-${deploy}-${service}`;
  return {
    name,
    skip: (run) => {
      // The migrator of an older image does not know the newer schema, and the jobs of this release have run before.
      if (run.command === 'rollback') return 'a rollback runs no jobs';
      return run.hosts.some((host) => servicesOf(host).length > 0) ? undefined : 'no jobs';
    },
    async apply(run, note) {
      const ran = await onHosts(run, async (hostRun) => {
        for (const service of servicesOf(hostRun)) {
          note(service);
          const result = await compose(
            hostRun.host,
            projectOf(hostRun),
            ['run', '--rm', '--no-deps', '-T', '--name', container(run.deploy, service), service],
            { signal: run.signal, timeoutMs: 1_800_000 },
          );
          if (result.code !== 0) throw jobFailed(hostRun, service, result);
        }
        return servicesOf(hostRun).length;
      });
      return `${counted(
        ran.reduce((sum, count) => sum + count, 0),
        'job',
      )} done`;
    },
    async undo(run) {
      await onHosts(run, async (hostRun) => {
        const names = servicesOf(hostRun).map((service) => container(run.deploy, service));
        if (names.length > 0) await docker(hostRun.host, ['rm', '-f', ...names]);
      });
      return undefined;
    },
  };
}

/** Jobs in the order of their `depends_on`. */
function jobsOf(hostRun: HostRun): string[] {
  const left = hostRun.plan.services.filter(({ action }) => action === 'run').map(({ service }) => service);
  const ordered: string[] = [];
  while (left.length > 0) {
    const next = left.findIndex((name) => !needsOf(hostRun, name).some((need) => left.includes(need)));
    ordered.push(...left.splice(Math.max(next, 0), 1));
  }
  return ordered;
}

function needsOf(hostRun: HostRun, service: string): string[] {
  return Object.keys(hostRun.plan.record.model.services[service]?.depends_on ?? {});
}

/** Whether a job needs a service that runs only after the step `start`, directly or through another job. */
function isLate(hostRun: HostRun, job: string, seen: readonly string[] = []): boolean {
  return needsOf(hostRun, job).some((need) => {
    const planned = hostRun.plan.services.find(({ service }) => service === need);
    if (planned === undefined || seen.includes(need)) return false;
    if (planned.action === 'run') return isLate(hostRun, need, [...seen, job]);
    return planned.action !== 'keep' && planned.plan.strategy !== 'keep';
  });
}

function jobFailed(
  hostRun: HostRun,
  service: string,
  result: { code: number; stdout: string; stderr: string },
): UserError {
  return new UserError({
    code: 'job.failed',
    message: `${hostRun.host.name}: job ${service} failed with exit code ${result.code}`,
    hint: 'The new release got no traffic. The last log lines of the job are below.',
    output: tail(`${result.stdout}\n${result.stderr}`.trim(), 30),
  });
}
