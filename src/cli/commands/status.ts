import { type HostStatus, hostStatus, isSplit } from '../../deploy/on-host/status.ts';
import { exitCodes } from '../../kernel/run.ts';
import { openTarget } from '../../operations/deploy/open.ts';
import type { CommandContext } from '../context.ts';

export async function execute(context: CommandContext, targetName: string | undefined): Promise<number> {
  await using open = await openTarget(context, targetName);
  const statuses = await Promise.all(open.hosts.map((host) => hostStatus(host, open.config.app)));
  const split = isSplit(statuses);
  const healthy =
    !split && statuses.every((status) => status.troubles.length === 0 && status.serving.length > 0);
  const { print } = context.effects;
  if (context.json)
    print(
      JSON.stringify({ ok: healthy, app: open.config.app, target: open.target.name, split, hosts: statuses }),
    );
  else print(statusText(open.config.app, open.target.name, statuses));
  return healthy ? exitCodes.ok : exitCodes.failed;
}

/** The first line names the release that is serving. */
export function statusText(app: string, target: string, statuses: readonly HostStatus[]): string {
  const releases = [
    ...new Set(statuses.flatMap((status) => status.serving.map((serving) => serving.release))),
  ];
  const headline =
    releases.length === 0
      ? `${target} does not serve ${app}`
      : releases.length === 1
        ? `${target} serves ${app} ${releases[0]} on ${statuses.length === 1 ? 'its host' : `${statuses.length} hosts`}`
        : `${target} serves different releases of ${app}: ${releases.join(', ')}`;
  return [headline, ...statuses.flatMap(hostLines)].join('\n');
}

/** Shown only when at least half of them are in use. */
function connectionsText(all: { readonly current: number; readonly max: number } | undefined): string {
  if (all === undefined || all.current < all.max / 2) return '';
  return `, ${all.current} of ${all.max} connections`;
}

function hostLines(status: HostStatus): string[] {
  const web = status.serving.map(({ service, release, colour }) => {
    const edge = status.edges[service];
    const colours = edge?.colours[edge.active];
    const numbers =
      colours === undefined
        ? ''
        : `, ${colours.up} up, ${colours.current} in flight, ${colours.requests} requests${connectionsText(edge?.connections)}`;
    return `  ${service.padEnd(20)} ${release} (${colour ?? 'no color'}${numbers})`;
  });
  const finishing = status.finishing.map(
    ({ service, release, colour, inFlight }) =>
      `  ${service.padEnd(20)} ${release} (${colour}) still runs, ${inFlight} in flight`,
  );
  const others = status.others.map((other) => `  ${other.service.padEnd(20)} ${other.status}`);
  const troubles = status.troubles.map((trouble) => `  ! ${trouble}`);
  const kept = status.releases.filter((release) => release !== status.current);
  return [
    '',
    status.host,
    ...web,
    ...finishing,
    ...others,
    ...troubles,
    ...(kept.length === 0 ? [] : [`  kept for a rollback: ${kept.toReversed().join(', ')}`]),
  ];
}
