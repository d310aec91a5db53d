import { isAbsolute, relative } from 'node:path';
import type { UserError } from '../../kernel/errors.ts';
import { type GitEffects, type GitSight, readGitFiles } from '../git-files.ts';
import type { CarriedFile, ComposeModel, ComposeService, ComposeVolume } from '../model.ts';
import { mountKey, objectKey, placeOfEntry, placeOfItem, type WrittenCompose } from '../written.ts';
import { badLink, data, ignored, localFile, missing, tooLarge, type Wrong } from './faults.ts';
import { joinFaults, joinLines } from './join.ts';
import { type Checkout, checkoutOf, type Judgement, judgeMount, judgeSource } from './judge.ts';
import { isMadeInImage } from './kinds.ts';
import { isWithin, readMountTree, type TreeFault, withoutLinks } from './tree.ts';

/** What becomes of one source of a mount, secret or config. */
export interface PlannedMount {
  /** `services.web:/etc/nginx/nginx.conf`, `secrets.key`. */
  readonly key: string;
  readonly source: string;
  readonly handling: 'carried' | 'left out' | 'on the server' | 'refused';
}

/** What becomes of everything that the services mount from this machine. */
export interface MountPlan {
  /** Without the development mounts. */
  readonly model: ComposeModel;
  /** Files that a release takes along, by {@link PlannedMount.key}. */
  readonly carried: Readonly<Record<string, readonly CarriedFile[]>>;
  readonly mounts: readonly PlannedMount[];
  readonly faults: readonly UserError[];
  /** What differs on a fresh clone, or may not be what was meant. */
  readonly warnings: readonly string[];
  /** What is left out and why, one line each. */
  readonly notes: readonly string[];
}

/**
 * Decides for every bind mount, secret and config of a model whether it is a path of the server, configuration that a
 * release carries, a development mount that is left out, or a fault. Nothing is copied and no server is asked.
 *
 * @param model as docker compose prints it, with `build:`.
 * @param folder of sluice.yml; files up to the top of its git repository may be carried.
 * @param written what the compose files say themselves; without it a path outside of the repository is the server's.
 */
export async function planMounts(
  model: ComposeModel,
  folder: string,
  effects: GitEffects,
  { written }: { readonly written?: WrittenCompose | undefined } = {},
): Promise<MountPlan> {
  const checkout = checkoutOf(model, folder, written);
  const judged = await judgeAll(checkout);
  const trees = await treesOf(judged, checkout, effects);
  const faults = [...volumeFaults(checkout), ...optionFaults(checkout)];
  const warnings = trees.git.problems.map(
    (problem) => `${problem}: files that git ignores count as files of the repository`,
  );
  const notes: string[] = [];
  const carried: Record<string, readonly CarriedFile[]> = {};
  const mounts: PlannedMount[] = [];
  for (const { key, name, source, judgement } of judged) {
    const done = (handling: PlannedMount['handling'], shown = source) =>
      mounts.push({ key, source: shown, handling });
    if (judgement.kind === 'fault') {
      faults.push(judgement.fault);
      done('refused', judgement.shown);
    } else if (judgement.kind === 'host') {
      if (judgement.warning !== undefined) warnings.push(`${name}: ${judgement.warning}`);
      done('on the server');
    } else if (judgement.kind === 'leave-out') {
      notes.push(`${name}: ${judgement.shown}:${targetOf(key)} is left out, the image has it`);
      done('left out', judgement.shown);
    } else {
      const read = trees.of(judgement, name);
      warnings.push(...read.warnings);
      if (judgement.note !== undefined && read.files !== undefined) notes.push(`${name}: ${judgement.note}`);
      if (read.files !== undefined) carried[key] = read.files;
      if (read.fault !== undefined) faults.push(read.fault);
      done(read.fault === undefined ? 'carried' : 'refused', judgement.wrong.shown);
    }
  }
  const without = withoutMounts(model, new Set(judged.filter(isLeftOut).map(({ key }) => key)));
  return {
    model: without.model,
    ...{ carried, mounts, faults: joinFaults(faults), warnings: joinLines(warnings) },
    notes: joinLines([...notes, ...without.notes]),
  };
}

interface Judged {
  readonly key: string;
  /** The service, or `secrets.key`: how lines begin. */
  readonly name: string;
  readonly source: string;
  readonly judgement: Judgement;
}

async function judgeAll(checkout: Checkout): Promise<Judged[]> {
  const { model, written } = checkout;
  const all: Judged[] = [];
  for (const [name, service] of Object.entries(model.services)) {
    for (const volume of service.volumes ?? []) {
      if (volume.type !== 'bind' || volume.source === undefined) continue;
      const source = plainly(volume.source);
      const judgement = await judgeMount(checkout, name, { ...volume, source });
      all.push({ key: mountKey(name, volume.target), name, source, judgement });
    }
  }
  for (const kind of ['secrets', 'configs'] as const) {
    for (const [name, { file }] of Object.entries(model[kind] ?? {})) {
      if (file === undefined || !isUsed(model, kind, name)) continue;
      const source = plainly(file);
      const key = objectKey(kind, name);
      const at = placeOfEntry(written?.files ?? [], kind, name);
      const judged = judgeSource(checkout, key, source, { owner: key, at });
      const judgement: Judgement =
        judged.kind === 'ours' ? { kind: 'carry', wrong: judged.wrong, source } : judged;
      all.push({ key, name: key, source, judgement });
    }
  }
  return all;
}

/** One that a build alone uses never gets to a server. */
function isUsed({ services }: ComposeModel, kind: 'secrets' | 'configs', name: string): boolean {
  return Object.values(services).some((service) =>
    (service[kind] ?? []).some(
      (each) => each === name || (each as { source?: unknown } | null)?.source === name,
    ),
  );
}

const keepers = /(?:^|\/)\.(?:gitignore|gitkeep|keep)$/;

interface Trees {
  readonly git: GitSight;
  of(
    judgement: Judgement & { kind: 'carry' },
    name: string,
  ): {
    readonly files?: readonly CarriedFile[];
    readonly fault?: UserError;
    readonly warnings: readonly string[];
  };
}

/** Lists what is carried, and asks git about all of it at once. */
async function treesOf(judged: readonly Judged[], checkout: Checkout, effects: GitEffects): Promise<Trees> {
  const read = new Map<string, { tree: readonly CarriedFile[] | TreeFault; asked: string }>();
  for (const { judgement } of judged) {
    if (judgement.kind !== 'carry' || read.has(judgement.source)) continue;
    const tree = await readMountTree(judgement.source, checkout.top);
    read.set(judgement.source, { tree, asked: await withoutLinks(judgement.source) });
  }
  const asked = [...read.values()].flatMap((each) => [
    each.asked,
    ...(isFault(each.tree) ? [] : each.tree.map(({ file }) => file)),
  ]);
  const git = await readGitFiles(asked, effects);
  return {
    git,
    of: ({ source, wrong }, name) => {
      const { tree, asked: path } = read.get(source) ?? { tree: { kind: 'missing' } as const, asked: source };
      if (git.ignored.has(path)) return { fault: ignored(wrong), warnings: [] };
      if (isFault(tree)) return { fault: treeFault(tree, wrong, source), warnings: [] };
      const files = tree.filter(({ file }) => !git.ignored.has(file));
      const isHollow = files.every((each) => keepers.test(each.path)) && files.length < tree.length;
      if (isHollow) return { fault: ignored(wrong), warnings: [] };
      return { files, warnings: cloneWarnings(tree, git, `${name}: ${wrong.shown}`) };
    },
  };
}

/** How the files here differ from those of a fresh clone. */
function cloneWarnings(tree: readonly CarriedFile[], git: GitSight, owner: string): string[] {
  const among = (set: ReadonlySet<string>) => tree.filter(({ file }) => set.has(file));
  const [ignoredHere, untracked] = [among(git.ignored), among(git.untracked)];
  const left =
    ignoredHere.length === 0
      ? []
      : [
          `${owner}: git ignores ${named(ignoredHere)}, so a release does not carry ${ignoredHere.length === 1 ? 'it' : 'them'}`,
        ];
  if (untracked.length === 0) return left;
  const what = untracked.length === tree.length ? '' : ` ${named(untracked)}`;
  return [
    ...left,
    `${owner}:${what || ' it'} is not committed, so a fresh clone does not have ${untracked.length === 1 ? 'it' : 'them'}`,
  ];
}

function named(files: readonly CarriedFile[]): string {
  const first = files.slice(0, 3).map(({ path }) => path);
  return `${first.join(', ')}${files.length > 3 ? ` and ${files.length - 3} more` : ''}`;
}

function treeFault(fault: TreeFault, wrong: Wrong, source: string): UserError {
  if (fault.kind === 'missing') return missing(wrong);
  if (fault.kind === 'large') return tooLarge(wrong);
  const below = relative(source, fault.path);
  return badLink(wrong, below === '' ? wrong.shown : `${wrong.shown}/${below}`);
}

function isFault(tree: readonly CarriedFile[] | TreeFault): tree is TreeFault {
  return !Array.isArray(tree);
}

/** A named volume that is a folder of this machine (`driver_opts: { o: bind, device: ./data }`). */
function volumeFaults({ model, top, written }: Checkout): UserError[] {
  return Object.entries(model.volumes ?? {}).flatMap(([name, volume]) => {
    const options = (volume as { driver_opts?: { o?: unknown; device?: unknown } } | null)?.driver_opts;
    const { o, device } = options ?? {};
    if (typeof device !== 'string' || !/(?:^|,)r?bind(?:,|$)/.test(String(o ?? ''))) return [];
    const shown = plainly(device);
    if (isAbsolute(shown) && !isWithin(shown, top)) return [];
    const users = Object.values(model.services).flatMap(({ volumes = [] }) =>
      volumes.filter((each) => each.type === 'volume' && each.source === name),
    );
    const at = placeOfEntry(written?.files ?? [], 'volumes', name);
    return [
      data({
        owner: `volumes.${name}.driver_opts.device`,
        shown,
        target: users[0]?.target ?? 'no service',
        at,
      }),
    ];
  });
}

/** Files that docker compose reads where it starts containers: on the server. */
function optionFaults({ model, written }: Checkout): UserError[] {
  return Object.entries(model.services).flatMap(([name, service]) => {
    const options = Array.isArray(service['security_opt']) ? service['security_opt'].map(String) : [];
    return options.flatMap((option) => {
      const path = /^seccomp[:=](.+)$/.exec(option)?.[1];
      if (path === undefined || isAbsolute(path) || /^(?:unconfined|builtin)$|^\s*\{/.test(path)) return [];
      const at = placeOfItem(written?.files ?? [], name, 'security_opt', (item) => item === option);
      return [localFile(name, 'security_opt', path, at)];
    });
  });
}

function isLeftOut({ judgement }: Judged): boolean {
  return judgement.kind === 'leave-out';
}

/** The model without some mounts, and without the volumes that let the image's own folders show through them. */
export function withoutMounts(
  model: ComposeModel,
  keys: ReadonlySet<string>,
): { readonly model: ComposeModel; readonly notes: readonly string[] } {
  if (keys.size === 0) return { model, notes: [] };
  const notes: string[] = [];
  const without = (name: string, service: ComposeService): ComposeService => {
    const all = service.volumes ?? [];
    const gone = all.filter((volume) => volume.type === 'bind' && keys.has(mountKey(name, volume.target)));
    const isShield = ({ type, target }: ComposeVolume) =>
      type === 'volume' && isMadeInImage(target) && gone.some((each) => isWithin(target, each.target));
    for (const { target } of gone.length === 0 ? [] : all.filter(isShield))
      notes.push(`${name}: the volume at ${target} is left out, the image has it`);
    return gone.length === 0
      ? service
      : { ...service, volumes: all.filter((volume) => !gone.includes(volume) && !isShield(volume)) };
  };
  const services = Object.entries(model.services).map(
    ([name, service]) => [name, without(name, service)] as const,
  );
  return { model: { ...model, services: Object.fromEntries(services) }, notes };
}

/**
 * For the strategies: what a container writes to a file that a release carries is no data that two would share, and what
 * is refused is on no server.
 */
export function asCarried(
  model: ComposeModel,
  { carried, mounts }: Pick<MountPlan, 'carried' | 'mounts'>,
): ComposeModel {
  const refused = new Set(mounts.filter(({ handling }) => handling === 'refused').map(({ key }) => key));
  const services = Object.entries(model.services).map(([name, service]) => {
    const volumes = service.volumes?.map((volume) => {
      const key = mountKey(name, volume.target);
      return carried[key] === undefined && !refused.has(key) ? volume : { ...volume, read_only: true };
    });
    return [name, volumes === undefined ? service : { ...service, volumes }] as const;
  });
  return { ...model, services: Object.fromEntries(services) };
}

function targetOf(key: string): string {
  return key.slice(key.indexOf(':') + 1);
}

function plainly(text: string): string {
  return text.replaceAll('$$', '$');
}
