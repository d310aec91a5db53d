import { plain } from '../../config/compose/load.ts';
import { auditEnv } from '../../config/env/audit.ts';
import {
  connectionBudget,
  memoryBudget,
  memoryDemand,
  memoryLimit,
  sharedBudget,
} from '../../config/services/capacity.ts';
import { isPostgres, judgePostgres, postgresSettings } from '../../config/services/postgres-settings.ts';
import type { HostFacts } from '../../host/probe/facts.ts';
import { UserError } from '../../kernel/errors.ts';
import type { DeployRun, HostRun } from '../context.ts';
import { type Finding, judgeEngine, judgeUsers, type PreflightInput } from './engine.ts';

const gib = 1024 ** 3;
/** Space for a backup, the release's files and the layers of a pull. */
const leastFree = 1 * gib;

/** Checks whether a host is ready for a release, without side effects. Doctor shows all findings, a deploy stops at errors. */
export function judgeHost(input: PreflightInput): Finding[] {
  return [
    ...judgeEngine(input.facts),
    ...judgeUsers(input),
    ...judgeAccess(input.facts),
    ...judgeDisk(input.facts),
    ...judgeMemory(input),
    ...judgeLimits(input),
    ...judgeConnections(input),
    ...judgeEnv(input),
  ];
}

const largestClockOffsetMs = 5_000;

function judgeAccess({ sshd, root, clock }: HostFacts): Finding[] {
  const findings: Finding[] = [];
  if (!root.usable) {
    findings.push({
      level: 'error',
      topic: 'folder',
      message: `the deploy user cannot write to ${root.path}`,
      fix: `As root on the host: install -d -o USER -m 700 ${root.path}`,
    });
  }
  if (sshd.allowStreamLocalForwarding === false || sshd.allowTcpForwarding === false) {
    findings.push({
      level: 'error',
      topic: 'ssh',
      message:
        'sshd forbids forwarding, which Sluice needs for health checks and to reach the guard of an edge',
      fix: 'Set AllowStreamLocalForwarding yes and AllowTcpForwarding yes for the deploy user in sshd_config.',
    });
  } else {
    const sessions = sshd.maxSessions === undefined ? '' : `, MaxSessions ${sshd.maxSessions}`;
    findings.push({ level: 'ok', topic: 'ssh', message: `forwarding allowed${sessions}` });
  }
  if (Math.abs(clock.offsetMs) > largestClockOffsetMs) {
    const seconds = Math.round(clock.offsetMs / 1000);
    findings.push({
      level: 'warning',
      topic: 'clock',
      message: `the host's clock is ${Math.abs(seconds)} s ${seconds > 0 ? 'ahead of' : 'behind'} the clock where Sluice runs`,
      fix: 'Run an NTP client on both machines, so that the times in history and logs match. Deploys do not depend on it.',
    });
  }
  return findings;
}

function judgeDisk({ disk }: HostFacts): Finding[] {
  const places = [
    ['the app’s folder', disk.root?.freeBytes],
    ['Docker’s data', disk.docker?.freeBytes],
  ] as const;
  return places.flatMap(([what, free]): Finding[] => {
    if (free === undefined) return [];
    const message = `${(free / gib).toFixed(1)} GiB free for ${what}`;
    if (free >= leastFree) return [{ level: 'ok', topic: 'disk', message }];
    return [
      {
        level: 'error',
        topic: 'disk',
        message: `only ${message}`,
        fix: 'Free at least 1 GiB. To see what Docker uses, run `docker system df`.',
      },
    ];
  });
}

function judgeMemory({ facts, record }: PreflightInput): Finding[] {
  const budget = memoryBudget(record.model, record.services);
  const total = facts.memory.totalBytes;
  const findings: Finding[] = budget.unlimited.map((service) => ({
    level: 'warning',
    topic: 'memory',
    message: `${service} has no memory limit`,
    fix: `Set deploy.resources.limits.memory of ${service}. Without a limit it can use up the memory of the host.`,
  }));
  if (total === undefined || budget.lines.length === 0) return findings;
  const sum = `${(budget.needed / gib).toFixed(1)} GiB of memory limits while both colors run, the host has ${(total / gib).toFixed(1)} GiB`;
  if (budget.needed <= total) return [{ level: 'ok', topic: 'memory', message: sum }, ...findings];
  const largest = [...budget.lines].sort((a, b) => b.containers * b.limit - a.containers * a.limit)[0];
  return [
    {
      level: 'error',
      topic: 'memory',
      message: sum,
      fix: `Lower limits, processes or replicas: ${largest?.service} alone uses ${largest?.containers} × ${((largest?.limit ?? 0) / gib).toFixed(1)} GiB during a deploy.`,
    },
    ...findings,
  ];
}

function judgeConnections({ record, fleet = [record], config, database }: PreflightInput): Finding[] {
  if (database === undefined) return [];
  // Reported once, for the first host.
  if (fleet[0] !== record) return [];
  const budget = sharedBudget(
    fleet.flatMap(
      (releaseRecord) =>
        connectionBudget(releaseRecord.model, releaseRecord.services, config, database) ?? [],
    ),
  );
  if (budget === undefined) return [];
  const terms = budget.lines
    .map((line) => `${line.service} ${line.containers}×${line.processes}×${line.pool}`)
    .join(' + ');
  const { needed, available, pooler } = budget;
  const behind = pooler === undefined ? '' : `; ${pooler.service} opens ${pooler.pool}`;
  const message = `up to ${needed} database connections while both colors run (${terms}${behind}), ${available} available`;
  const findings: Finding[] =
    needed <= available
      ? [{ level: 'ok', topic: 'connections', message }]
      : [
          {
            level: 'error',
            topic: 'connections',
            message,
            fix: `Lower pools or processes, raise max_connections of ${database}, or add PgBouncer.`,
          },
        ];
  if (pooler === undefined || pooler.clients <= pooler.maxClients) return findings;
  return [
    ...findings,
    {
      level: 'error',
      topic: 'connections',
      message: `up to ${pooler.clients} connections to ${pooler.service} while both colors run, but it accepts ${pooler.maxClients}`,
      fix: 'Raise MAX_CLIENT_CONN, or lower pools or processes.',
    },
  ];
}

/** Services that need more memory than their limit, by their processes or by the settings of Postgres. */
function judgeLimits({ record, config }: PreflightInput): Finding[] {
  const demands = memoryDemand(record.model, record.services, config);
  const beyond = demands.flatMap(({ service, processes, perProcess, needed, limit }): Finding[] => {
    if (limit === undefined || needed <= limit) return [];
    const sum = `${processes} processes × ${(perProcess / gib).toFixed(1)} GiB`;
    return [
      {
        level: 'error',
        topic: 'memory',
        message: `${service} needs ${(needed / gib).toFixed(1)} GiB (${sum}), but its limit is ${(limit / gib).toFixed(1)} GiB`,
        fix: 'Lower its processes, or raise the limit.',
      },
    ];
  });
  const databases = Object.values(record.model.services).filter(isPostgres);
  const settings = databases.flatMap((service) => {
    const limit = memoryLimit(service);
    return limit === undefined ? [] : judgePostgres(postgresSettings(service), limit);
  });
  const warnings = settings
    .filter(({ kind }) => kind === 'impossible')
    .map(({ message, fix }): Finding => ({ level: 'warning', topic: 'memory', message, fix }));
  return [...beyond, ...warnings];
}

/** Audits the merged environment, as containers get it from all files and variables. */
function judgeEnv({ record }: PreflightInput): Finding[] {
  const env: Record<string, string> = {};
  for (const service of Object.values(record.model.services)) {
    for (const [name, value] of Object.entries(service.environment ?? {})) env[name] = plain(value ?? '');
  }
  return auditEnv(env).map((finding) => ({
    level: finding.level,
    topic: 'env',
    message: finding.message,
    fix: finding.fix,
  }));
}

/**
 * Stops a deploy that a host cannot run, before any change.
 *
 * @param facts probed facts, in the order of the run's hosts.
 * @throws UserError `preflight.failed` with every error found.
 */
export function preflight(run: DeployRun, facts: readonly HostFacts[]): string {
  const judged = run.hosts.map((host, index) => ({ each: host, findings: judge(run, host, facts[index]) }));
  const errors: string[] = [];
  for (const { each: hostRun, findings } of judged) {
    for (const { level, message, fix } of findings) {
      if (level === 'error')
        errors.push(`${hostRun.host.name}: ${message}${fix === undefined ? '' : ` → ${fix}`}`);
      if (level === 'warning') run.effects.log.detail(`${hostRun.host.name}: ${message}`);
    }
  }
  if (errors.length === 0) return 'memory, disk, connections and env are fine';
  throw new UserError({
    code: 'preflight.failed',
    message: `Not ready for this deploy: ${errors.length} ${errors.length === 1 ? 'problem' : 'problems'} to fix`,
    hint: 'Nothing was changed. To deploy anyway, pass --no-preflight.',
    output: errors.join('\n'),
  });
}

function judge(run: DeployRun, hostRun: HostRun, facts: HostFacts | undefined): Finding[] {
  if (facts === undefined) return [];
  return judgeHost({
    facts,
    record: hostRun.plan.record,
    fleet: run.hosts.map((one) => one.plan.record),
    config: run.config.services,
    database: run.config.backup?.service,
  });
}
