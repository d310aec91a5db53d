import { createHash } from 'node:crypto';
import type { ComposeModel, ComposeService, ServicePlan } from '../../config/model.ts';

/** Hash of a service's definition: equal for definitions that make equal containers. */
export function serviceHash(service: ComposeService): string {
  const { depends_on: _order, profiles: _profiles, build: _build, ...what } = service;
  return shortHash(canonical(what));
}

/** Hash of the content of a release. */
export function contentHash(model: ComposeModel, services: readonly ServicePlan[]): string {
  // The plan's reasons are not part of the content: an unreachable registry must not make another release.
  const facts = services.map(({ reason: _reason, notes: _notes, startTimeout: _from, ports, ...rest }) => ({
    ...rest,
    ports: ports.map(({ why: _why, ...port }) => port),
  }));
  return shortHash(canonical({ model, services: facts }));
}

export function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** JSON with sorted keys, so that the order in a file never counts as a change. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    item !== null && typeof item === 'object' && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}
