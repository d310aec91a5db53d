import { type HistoryEntry, history } from '../../deploy/on-host/status.ts';
import { formatDuration } from '../../kernel/figures.ts';
import { exitCodes } from '../../kernel/run.ts';
import { openTarget } from '../../operations/deploy/open.ts';
import { wrongArgument } from '../arguments.ts';
import type { CommandContext } from '../context.ts';

export async function execute(
  context: CommandContext,
  targetName: string | undefined,
  options: { readonly count: string },
): Promise<number> {
  const count = Number(options.count);
  if (!Number.isInteger(count) || count < 1 || count > 1000) {
    throw wrongArgument(`--count ${options.count}`, 'expected a number from 1 to 1000');
  }
  await using open = await openTarget(context, targetName);
  const found = await Promise.all(open.hosts.map((host) => history(host, open.config.app, count)));
  // A deploy has a journal on each of its hosts, and one line here.
  const byDeploy = new Map(found.flat().map((entry) => [entry.deploy, entry]));
  const entries = [...byDeploy.values()].sort((a, b) => (a.deploy < b.deploy ? 1 : -1)).slice(0, count);
  if (context.json) context.effects.print(JSON.stringify({ ok: true, deploys: entries }));
  else context.effects.print(entries.length === 0 ? 'No deploys yet.' : entries.map(line).join('\n'));
  return exitCodes.ok;
}

function line(entry: HistoryEntry): string {
  const time = entry.at.slice(0, 16).replace('T', ' ');
  const took = entry.seconds === undefined ? '' : formatDuration(entry.seconds * 1000);
  const what = `${entry.command === 'rollback' ? 'rollback to ' : ''}${entry.release}`;
  const note = entry.outcome === 'confirmed' ? '' : entry.note;
  return `${time}  ${what.padEnd(24)} ${(entry.outcome ?? 'unfinished').padEnd(11)} ${took.padStart(9)}  ${entry.actor ?? ''}  ${note}`.trimEnd();
}
