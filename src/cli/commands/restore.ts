import { createInterface } from 'node:readline/promises';
import { refuseCorrupt } from '../../deploy/database/backups.ts';
import type { Restored } from '../../deploy/database/engine.ts';
import { databaseHost, findDatabase } from '../../deploy/database/engines.ts';
import { type BackupRecord, backupLine } from '../../deploy/database/record.ts';
import { findBackup, listBackups } from '../../deploy/database/store.ts';
import { newDeployId } from '../../deploy/deploy.ts';
import { leaseHolder } from '../../deploy/lease/held-hosts.ts';
import { takeLease } from '../../deploy/lease/keeper.ts';
import { layoutOf } from '../../deploy/model.ts';
import { UserError } from '../../kernel/errors.ts';
import { exitCodes } from '../../kernel/run.ts';
import { openTarget, targetAndName } from '../../operations/deploy/open.ts';
import type { CommandContext } from '../context.ts';

export async function execute(
  context: CommandContext,
  targetName: string | undefined,
  options: { readonly argument?: string; readonly yes: boolean; readonly createRoles: boolean },
): Promise<number> {
  const given = await targetAndName(context, targetName, options.argument);
  await using open = await openTarget(context, given.target);
  const { config, effects } = open;
  const { host } = await databaseHost(config, open.target, open.hosts);
  const layout = layoutOf(host.config.root, config.app);
  const { records } = await listBackups(host, layout.backups);
  const backup = chooseBackup(records, given.name);
  context.effects.log.info(`${backupLine(backup)}, made ${backup.at}`);
  context.effects.log.warn(
    `The restore replaces the database of ${open.target.name}. Changes made after this backup stay only in the previous database, which is kept under another name.`,
  );
  if (!options.yes) await askName(backup.name, context);
  await refuseCorrupt(host, layout.backups, backup);
  const id = newDeployId(effects.clock.now());
  const keeper = await takeLease(host, layout, leaseHolder(id, effects));
  try {
    const database = await findDatabase(host, config);
    const restored = await database.engine.restore(host, layout.backups, backup, database, {
      signal: effects.signal,
      timeoutMs: config.backup?.timeoutMs ?? 3_600_000,
      suffix: id.replaceAll('-', '_'),
      createRoles: options.createRoles,
    });
    const text = `${open.target.name} now runs on ${backup.name}.${closing(restored)}`;
    context.effects.print(
      context.json ? JSON.stringify({ ok: true, backup: backup.name, ...restored }) : text,
    );
    return exitCodes.ok;
  } finally {
    await keeper.release();
  }
}

function closing({ kept, subscriptions, extensions, created }: Restored): string {
  const owned = extensions.map(({ name, owner }) => `${name} (was ${owner})`);
  const taken =
    owned.length === 0
      ? ''
      : ` The superuser now owns these extensions, because PostgreSQL cannot change their owner: ${owned.join(', ')}.`;
  const logins =
    created.length === 0
      ? ''
      : ` Created without login: ${created.join(', ')}. Backups contain no passwords; set one with ALTER ROLE … LOGIN PASSWORD.`;
  const disabled =
    subscriptions.length === 0
      ? ''
      : ` These subscriptions are disabled in the restored database and still run in the previous one: ${subscriptions.join(', ')}.`;
  return ` The previous database is kept as ${kept}. Drop it when you are sure.${logins}${disabled}${taken}`;
}

function chooseBackup(records: readonly BackupRecord[], name: string | undefined): BackupRecord {
  if (name !== undefined) return findBackup(records, name);
  const names = records.map((record) => record.name).toReversed();
  throw new UserError({
    code: 'usage.argument',
    message: 'The name of the backup is missing',
    hint:
      names.length === 0
        ? 'There are no backups yet: run `sluice backup make`.'
        : `Available, newest first: ${names.join(', ')}.`,
  });
}

async function askName(name: string, { effects, json }: CommandContext): Promise<void> {
  const refuse = (message: string) =>
    new UserError({
      code: 'restore.unconfirmed',
      message,
      hint: `Pass --yes, or type ${name} at the prompt.`,
    });
  if (json || process.stdin.isTTY !== true)
    throw refuse('A restore must be confirmed, and there is no terminal to ask on');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const typed = await terminal.question(`Type ${name} to restore it: `, { signal: effects.signal });
    if (typed.trim() !== name) throw refuse('The name that was typed is not the name of the backup');
  } finally {
    terminal.close();
  }
}
