import type { Host } from '../../host/model.ts';
import { UserError } from '../../kernel/errors.ts';
import { type Layout, labels } from '../model.ts';
import type { HostState } from '../on-host/state.ts';

/** The target that a command runs for. */
export interface Asker {
  readonly app: string;
  readonly target: string;
  /** `acme/shop` in a GitHub workflow; undefined on a laptop, whose remote may be a fork. */
  readonly repository: string | undefined;
}

/** The target that owns an app's folder and containers on a host. */
export type Owner = Pick<HostState, 'target' | 'repository'> & {
  /** Folders in the labels of containers with this app's name; undefined: the container is older than the label. */
  readonly folders: readonly (string | undefined)[];
};

export function askerOf(
  config: { readonly app: string },
  target: { readonly name: string },
  env: Readonly<Record<string, string | undefined>>,
): Asker {
  const { GITHUB_ACTIONS: isWorkflow, GITHUB_REPOSITORY: repository } = env;
  return {
    app: config.app,
    target: target.name,
    repository: isWorkflow === 'true' && repository ? repository : undefined,
  };
}

export function ownerOf(state: HostState): Owner {
  const { target, repository, containers } = state;
  return {
    target,
    repository,
    folders: containers.filter((container) => !container.plain).map(({ folder }) => folder),
  };
}

/**
 * Every command that reads or changes a server calls this first: the app there must belong to the command's target.
 *
 * @throws UserError `target.other`, `target.elsewhere`, `target.repository`.
 */
export function refuseOthers(host: string, layout: Layout, owner: Owner, asker: Asker): void {
  const { app, target, repository } = asker;
  if (owner.target !== undefined && owner.target !== target) {
    throw new UserError({
      code: 'target.other',
      message: `${host}: ${layout.app} belongs to target ${owner.target}, not ${target}`,
      hint: `Check that this host belongs to ${target}. Two targets on one server need separate roots and app names: set \`root: /opt/sluice-${target}\` for this target's host, and another \`app:\`.`,
    });
  }
  const folder = owner.folders.find((candidate) => candidate !== undefined && candidate !== layout.app);
  const isOlder = owner.target === undefined && owner.folders.includes(undefined);
  if (folder !== undefined || isOlder) {
    throw new UserError({
      code: 'target.elsewhere',
      message: `${host}: the containers of ${app} belong to ${folder ?? 'another folder'}, not to ${layout.app}`,
      hint: `An app name is unique on a Docker engine. If this is another app or target, set another \`app:\`. If it is the same one, set \`root:\` of the host in sluice.yml to the folder it was deployed with.`,
    });
  }
  if (owner.repository !== undefined && repository !== undefined && owner.repository !== repository) {
    throw new UserError({
      code: 'target.repository',
      message: `${host}: ${layout.app} is deployed from ${owner.repository}, not from ${repository}`,
      hint: `If this is another app, set another \`app:\`. If ${owner.repository} was renamed to ${repository}, remove the old name on the server: rm ${layout.app}/repository`,
    });
  }
}

const readOwner = `
cd "$1" 2>/dev/null || exit 0
for f in target repository; do [ -f "$f" ] && printf '%s %s\\n' "$f" "$(cat "$f")"; done
exit 0
`;

/**
 * {@link refuseOthers} for a host whose state has not been read.
 *
 * @throws UserError `target.other`, `target.elsewhere`, `target.repository`.
 */
export async function refuseOthersOn(host: Host, layout: Layout, asker: Asker): Promise<void> {
  const filters = JSON.stringify({ label: [`com.docker.compose.project=${asker.app}`, labels.app] });
  const [files, containers] = await Promise.all([
    host.script(readOwner, { args: [layout.app], timeoutMs: 20_000 }),
    // Without an engine there are no containers; `sluice doctor` reports the missing engine.
    host.engine.listContainers({ all: true, filters }).catch(() => []),
  ]);
  const told = new Map(
    files.stdout.split('\n').map((line) => {
      const [name = '', ...rest] = line.split(' ');
      return [name, rest.join(' ')] as const;
    }),
  );
  const folders = containers.map(({ Labels }) => Labels[labels.folder]);
  const owner = { target: told.get('target'), repository: told.get('repository'), folders };
  refuseOthers(host.name, layout, owner, asker);
}
