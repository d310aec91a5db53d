import { docker } from '../../host/engine/docker-cli.ts';
import type { Host } from '../../host/model.ts';
import { type DeployRun, type HostRun, settleAll } from '../context.ts';
import type { PlannedEdge } from '../model.ts';
import type { ContainerState } from '../on-host/state.ts';
import { isInFront } from '../plan/host-plan.ts';

/**
 * Reloads nginx in front of the edges. A running nginx keeps the addresses that it resolved at its start, but after an
 * adoption the names belong to the edges, and a replaced edge may have another address. Another proxy that caches
 * addresses must be restarted manually.
 *
 * @returns services that did not reload.
 */
export async function reloadFronts(hostRun: HostRun): Promise<string[]> {
  const moved = hostRun.plan.edges.some((edge) => edge.adopted !== undefined || edge.action === 'replace');
  if (!moved) return [];
  const failed = await Promise.all(
    frontsOf(hostRun).map(async (front) => ((await reload(hostRun.host, front)) ? undefined : front.service)),
  );
  return failed.filter((service) => service !== undefined);
}

/** Proxies of the app that forward requests to a service with an edge. */
function frontsOf(hostRun: HostRun): ContainerState[] {
  return hostRun.state.containers.filter(
    (container) =>
      container.running &&
      hostRun.plan.services.some(
        ({ service, action }) => service === container.service && action === 'keep',
      ) &&
      isInFront(hostRun.plan.record, container.service),
  );
}

async function reload(host: Host, front: ContainerState): Promise<boolean> {
  const result = await docker(host, ['exec', front.id, 'nginx', '-s', 'reload'], {
    timeoutMs: 20_000,
  });
  return result.code === 0;
}

// /etc/hosts takes precedence over DNS. Docker mounts it, so it must be written in place, and recreates it at the next start.
// $1… pairs of address and name; none: remove the lines
const pin = `
lines=$(grep -v '# sluice$' /etc/hosts)
while [ $# -gt 1 ]; do lines="$lines
$1 $2 # sluice"; shift 2; done
printf '%s\\n' "$lines" >/etc/hosts
`;

/**
 * Points the proxies in front at the edges only, before the adopted containers stop. Both have the same names, so an nginx
 * sends a share of the requests past the edge, and a POST on a connection that a stopping container closes is lost. Entries
 * in its hosts file lead nginx to the edges only, and its old processes finish their requests.
 *
 * @returns the proxies that could not be changed.
 */
export async function turnFronts(
  run: DeployRun,
  hostRun: HostRun,
  now: readonly ContainerState[],
): Promise<ContainerState[]> {
  const adopted = adoptedEdges(hostRun);
  if (adopted.length === 0) return [];
  const turned = await settleAll(
    frontsOf(hostRun).map(async (front) => {
      const lines = adopted.flatMap(({ service }) => {
        const edge = now.find((one) => one.edge !== undefined && one.service === service);
        const network = Object.keys(front.addresses).find((name) => edge?.addresses[name]);
        const address = network === undefined ? undefined : edge?.addresses[network];
        return address === undefined ? [] : [address, service];
      });
      return (await turn(run, hostRun.host, front, lines)) ? [] : [front];
    }),
  );
  return turned.flat();
}

async function turn(
  run: DeployRun,
  host: Host,
  front: ContainerState,
  lines: readonly string[],
): Promise<boolean> {
  if (!(await writeHosts(host, front, lines))) return false;
  const before = await workersOf(host, front);
  if (before.length === 0 || !(await reload(host, front))) return false;
  const { clock, signal } = run.effects;
  const until = clock.elapsed() + run.config.drainMs;
  const isLeft = async () => (await workersOf(host, front)).some((pid) => before.includes(pid));
  while ((await isLeft()) && clock.elapsed() < until) await clock.sleep(100, signal);
  return true;
}

/**
 * Removes the entries of {@link turnFronts}, once DNS resolves the names to the edges only.
 *
 * @param unturned proxies that could not be changed before.
 */
export async function releaseFronts(hostRun: HostRun, unturned: readonly ContainerState[]): Promise<void> {
  if (adoptedEdges(hostRun).length === 0) return;
  await Promise.all(frontsOf(hostRun).map((front) => writeHosts(hostRun.host, front, [])));
  await Promise.all(unturned.map((front) => reload(hostRun.host, front)));
}

function adoptedEdges(hostRun: HostRun): PlannedEdge[] {
  return hostRun.plan.edges.filter((edge) => edge.adopted !== undefined && !edge.takesPort);
}

async function writeHosts(host: Host, front: ContainerState, lines: readonly string[]): Promise<boolean> {
  const shell = ['exec', '--user', '0', front.id, 'sh', '-c', pin, 'sh'];
  return (await docker(host, [...shell, ...lines], { timeoutMs: 20_000 })).code === 0;
}

/** Worker processes, including those that end after a reload. */
async function workersOf(host: Host, front: ContainerState): Promise<string[]> {
  const top = (await host.engine
    .getContainer(front.id)
    .top()
    .catch(() => ({ Titles: [], Processes: [] }))) as {
    readonly Titles: readonly string[];
    readonly Processes: readonly (readonly string[])[];
  };
  const pid = top.Titles.indexOf('PID');
  return top.Processes.filter((row) => row.at(-1)?.includes('nginx: worker process')).flatMap(
    (row) => row[pid] ?? [],
  );
}
