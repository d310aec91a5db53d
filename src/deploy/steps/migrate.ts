import type { MigrateConfig } from '../../config/model.ts';
import { docker } from '../../host/engine/docker-cli.ts';
import { UserError } from '../../kernel/errors.ts';
import { tail } from '../../kernel/process/process.ts';
import type { DeployRun } from '../context.ts';
import { compose, projectOf } from '../on-host/compose.ts';
import { projectService } from '../project/project.ts';
import type { Step } from '../transaction.ts';

/**
 * Runs the migration once, in the new image with the new environment, while the old release is serving. A migration is
 * never undone automatically: code of the old release must work with the new schema (expand, then contract).
 */
export const migrate: Step = {
  name: 'migrate',
  skip: (run) => {
    if (run.command === 'rollback') return 'a rollback never changes the schema';
    return run.config.migrate !== undefined && run.options.migrate ? undefined : 'no migration configured';
  },
  async apply(run, note) {
    const config = run.config.migrate;
    if (config === undefined) return undefined;
    note(commandText(config.command));
    const result = await runMigration(run, config);
    const [before = '', output = '', after = ''] = result.stdout
      .split(`${separator}\n`)
      .map((part) => part.trim());
    run.recorder.facts.migration = {
      before: before || undefined,
      after: after || undefined,
      output: tail(output, 40),
      seconds: result.seconds,
    };
    if (result.code !== 0)
      throw migrationError(run, config, { before, output: `${output}\n${result.stderr}` });
    if (output !== '') run.effects.log.foreign(tail(output, 40));
    if (after === '') return commandText(config.command);
    return before === after ? `at ${after}, nothing to do` : `${before === '' ? 'empty' : before} → ${after}`;
  },
};

const separator = '----sluice-migrate----';

// One container for all three: starting an interpreter often takes longer than the migration.
// $1 command, $2 command that prints the revision ('' for none)
const script = `
revision() { [ -z "$1" ] || sh -c "$1" 2>/dev/null | grep . | tail -n 1; }
revision "$2"; echo ${separator}
sh -c "$1" 2>&1; status=$?
echo ${separator}; [ "$status" -ne 0 ] || revision "$2"
exit "$status"
`;

async function runMigration(run: DeployRun, config: MigrateConfig) {
  const { primary, effects } = run;
  const plan = primary.plan.record.services.find((service) => service.name === config.service);
  if (plan === undefined) throw noService(config.service);
  const name = `sluice-migrate-${run.deploy}`;
  const begun = effects.clock.elapsed();
  const args = [
    ...['run', '--rm', '--no-deps', '-T', '--name', name],
    // libpq reads it, so it applies to every Postgres driver on libpq: a migration that waits for a lock fails instead
    // of making all the app's queries queue behind it.
    ...['-e', `PGOPTIONS=-c lock_timeout=${config.lockTimeoutMs}`],
    ...['--entrypoint', 'sh', projectService(plan, primary.plan.colour)],
    ...[
      '-c',
      script,
      'sh',
      commandText(config.command),
      config.revision === undefined ? '' : commandText(config.revision),
    ],
  ];
  try {
    const options = { signal: run.signal, timeoutMs: config.timeoutMs };
    const result = await compose(primary.host, projectOf(primary), args, options);
    return { ...result, seconds: (effects.clock.elapsed() - begun) / 1000 };
  } finally {
    // A timeout or a cancellation may have killed only the client: its container keeps running.
    if (!primary.host.lost.aborted) await docker(primary.host, ['rm', '-f', name]).catch(() => {});
  }
}

function commandText(command: string | readonly string[]): string {
  return typeof command === 'string'
    ? command
    : command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
}

function migrationError(
  run: DeployRun,
  config: MigrateConfig,
  result: { before: string; output: string },
): UserError {
  const locked = /lock timeout|LockNotAvailable|55P03/i.test(result.output);
  const backup = run.recorder.facts.backup?.name;
  const steps = [
    locked
      ? `Another transaction holds a lock that the migration needs. The migration gave up after ${config.lockTimeoutMs / 1000} s so that the app's queries do not queue behind it. Deploy again when that transaction has ended.`
      : 'Fix the migration and deploy again.',
    result.before === '' ? '' : `Before the migration, the schema was at ${result.before}.`,
    backup === undefined
      ? ''
      : `If the schema is half-migrated, restore the backup: sluice restore ${run.target.name} ${backup}`,
  ];
  return new UserError({
    code: locked ? 'migrate.locked' : 'migrate.failed',
    message: `${run.primary.host.name}: the migration failed (${commandText(config.command)})`,
    hint: steps.filter(Boolean).join('\n'),
    output: tail(result.output.trim(), 20),
  });
}

function noService(service: string): UserError {
  return new UserError({
    code: 'config.unknown-service',
    message: `migrate.service: there is no service ${service} on the first host`,
    hint: 'Name a service of the compose file that runs on the host with the database.',
  });
}
