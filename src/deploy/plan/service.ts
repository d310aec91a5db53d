import type { ComposeService, ServicePlan } from '../../config/model.ts';
import type { PlannedService, ReleaseRecord } from '../model.ts';
import { type ContainerState, type HostState, releaseNamed } from '../on-host/state.ts';
import { serviceHash } from '../project/project.ts';
import { canonical } from './hashes.ts';
import { lackingNetworks } from './networks.ts';

export interface ServicePlanInput {
  readonly record: ReleaseRecord;
  readonly state: HostState;
  /** Services of strategy `keep` to replace anyway (`--replace`). */
  readonly replace?: readonly string[];
}

/** Decides what a deploy does with one service on one host. */
export function planService(plan: ServicePlan, input: ServicePlanInput): PlannedService {
  const { record, state, replace = [] } = input;
  const before = releaseNamed(state, state.current);
  const definition = record.model.services[plan.name];
  const image = definition?.image ?? '';
  const running = state.containers.find(
    (container) => container.service === plan.name && container.edge === undefined && container.running,
  );
  const base = { service: plan.name, plan, image, imageBefore: before?.model.services[plan.name]?.image };
  if (plan.strategy === 'blue-green') return { ...base, action: 'colour', why: plan.reason };
  if (plan.strategy === 'workers') return { ...base, action: 'workers', why: plan.reason };
  if (plan.strategy === 'job') return { ...base, action: 'run', why: plan.reason };
  if (running === undefined) return { ...base, action: 'create', why: 'does not run yet' };

  const differences = [
    ...differencesFrom(running, plan, definition ?? {}, before),
    ...lackingNetworks(record, plan.name, running).map((network) => `network ${network}`),
  ];
  if (plan.strategy === 'keep') return planKept(base, differences, replace.includes(plan.name));
  if (differences.length === 0)
    return { ...base, action: 'keep', why: running.plain ? 'already running: adopted' : 'unchanged' };
  const what = `changed (${differences.join(', ')})`;
  return plan.strategy === 'singleton'
    ? { ...base, action: 'swap', why: `${what}: the old one stops, then the new one starts` }
    : { ...base, action: 'replace', why: `${what}: stopped and started in place, a short gap` };
}

function planKept(
  base: Pick<PlannedService, 'service' | 'plan' | 'image' | 'imageBefore'>,
  differences: readonly string[],
  isWanted: boolean,
): PlannedService {
  if (differences.length === 0) return { ...base, action: 'keep', why: 'never touched by a deploy' };
  const what = `its definition changed (${differences.join(', ')})`;
  if (isWanted)
    return { ...base, action: 'replace', why: `${what}: stopped and started in place (--replace)` };
  return { ...base, action: 'keep', why: `${what}, but a deploy never touches it`, differences };
}

/** Differences between a running container and its definition in the release. */
function differencesFrom(
  running: ContainerState,
  plan: ServicePlan,
  definition: ComposeService,
  before: ReleaseRecord | undefined,
): readonly string[] {
  const known = before?.model.services[plan.name];
  if (!running.plain) {
    if (running.hash === serviceHash(definition)) return [];
    return describe(known === undefined ? [] : differencesOf(known, definition));
  }
  if (known !== undefined) {
    return serviceHash(known) === serviceHash(definition) ? [] : describe(differencesOf(known, definition));
  }
  // A plain project's container shows only its image, not its definition. A singleton has no traffic to lose, so it is
  // replaced at once.
  if (plan.strategy === 'singleton') return ['adopted'];
  return isSameImage(running, definition.image)
    ? []
    : [`image ${shown(running.image)} → ${shown(definition.image)}`];
}

/** If hashes differ and definitions do not, another version of Sluice wrote the label. */
function describe(differences: readonly string[]): readonly string[] {
  return differences.length === 0 ? ['definition'] : differences;
}

/**
 * The engine names a container's image as it was started (`postgres:17`), the release names it by digest. They are equal
 * if the digest is one of the running image's.
 */
function isSameImage(running: ContainerState, image: string | undefined): boolean {
  if (image === undefined || running.image === image) return true;
  return running.digests?.some((digest) => image.endsWith(digest)) ?? false;
}

function shown(image: string | undefined): string {
  const [name = '', digest] = (image ?? 'none').split('@sha256:');
  return digest === undefined ? name : `${name.split('/').at(-1)}@${digest.slice(0, 8)}`;
}

/** Keys that do not change a container, or that other parts of the plan report. */
const aside = new Set(['build', 'depends_on', 'profiles', 'scale']);

/**
 * Differences between two definitions of a service, a few words each: `image 16 → 17`, `environment TZ`, `ports`. Values
 * of variables are never shown.
 */
function differencesOf(before: ComposeService, now: ComposeService): string[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(now)])].sort();
  return keys.flatMap((key) => {
    const [old, wanted] = [before[key], now[key]];
    if (equal(old, wanted)) return [];
    if (key === 'image') return [`image ${shortImage(old)} → ${shortImage(wanted)}`];
    if (key === 'environment') return [`environment ${changedKeys(old, wanted).join(', ')}`];
    if (key === 'labels' || key === 'deploy') return [`${key} ${changedKeys(old, wanted).join(', ')}`];
    return aside.has(key) ? [] : [key];
  });
}

function changedKeys(before: unknown, now: unknown): string[] {
  const [old, wanted] = [mapOf(before), mapOf(now)];
  const names = [...new Set([...Object.keys(old), ...Object.keys(wanted)])].sort();
  return names.filter((name) => !equal(old[name], wanted[name]));
}

function mapOf(value: unknown): Record<string, unknown> {
  return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : {};
}

/** Key order in a file never counts as a change. */
function equal(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

/** The tag, or the beginning of the digest: enough to tell two apart. */
function shortImage(image: unknown): string {
  const [name = '', digest] = String(image ?? 'none').split('@sha256:');
  return digest === undefined ? name : digest.slice(0, 8);
}
