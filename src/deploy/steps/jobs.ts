import { UserError } from '../../kernel/errors.ts';
import { tail } from '../../kernel/process.ts';
import { compose, projectOf } from '../compose.ts';
import { type HostRun, onHosts } from '../context.ts';
import type { Step } from '../transaction.ts';

/** One-off services run to their end before the new containers start, as their dependants expect. */
export const jobs: Step = {
  name: 'jobs',
  skip: (run) => (run.hosts.some((each) => jobsOf(each).length > 0) ? undefined : 'no jobs'),
  async apply(run, note) {
    const ran = await onHosts(run, async (each) => {
      for (const service of jobsOf(each)) {
        note(service);
        const args = [
          'run',
          '--rm',
          '--no-deps',
          '-T',
          '--name',
          `sluice-job-${run.deploy}-${service}`,
          service,
        ];
        const result = await compose(each.host, projectOf(each), args, {
          signal: run.signal,
          timeoutMs: 1_800_000,
        });
        if (result.code !== 0) throw jobFailed(each, service, result);
      }
      return jobsOf(each).length;
    });
    return `${ran.reduce((sum, count) => sum + count, 0)} jobs done`;
  },
  async undo(run) {
    await onHosts(run, async (each) => {
      const names = jobsOf(each).map((service) => `sluice-job-${run.deploy}-${service}`);
      await each.host.exec(['docker', 'rm', '-f', ...names]);
    });
    return undefined;
  },
};

function jobsOf(each: HostRun): string[] {
  return each.plan.services.filter((planned) => planned.action === 'run').map((planned) => planned.service);
}

function jobFailed(
  each: HostRun,
  service: string,
  result: { code: number; stdout: string; stderr: string },
): UserError {
  return new UserError({
    code: 'job.failed',
    message: `${each.host.name}: the job ${service} ended with exit code ${result.code}`,
    hint: 'The new release was not started. The job’s last lines are below.',
    output: tail(`${result.stdout}\n${result.stderr}`.trim(), 30),
  });
}
