import { readModel } from '../stand-ins/read-model.ts';
import type { LookEffects } from './git.ts';
import { lookAt } from './repository.ts';

/** TCP ports that the app in a folder publishes on its server; empty if its compose files cannot be read. */
export async function publishedPorts(folder: string, effects: LookEffects): Promise<number[]> {
  const seen = await lookAt(folder, effects);
  if (seen.compose === undefined) return [];
  // Other commands report faults of the compose files.
  const known = { registry: undefined, app: 'app' };
  const { model, made } = await readModel(seen, known, effects).catch(() => ({
    model: undefined,
    made: new Map(),
  }));
  effects.signal?.throwIfAborted();
  const ports = Object.values(model?.services ?? {}).flatMap((service) => service.ports ?? []);
  const open = ports.filter(
    ({ protocol, host_ip: ip }) => protocol !== 'udp' && !/^127\.|^::1$/.test(ip ?? ''),
  );
  const numbers = open
    .filter(({ published }) => !made.has(String(published)))
    .map(({ published }) => Number(published))
    .filter((port) => Number.isInteger(port) && port > 0);
  return [...new Set(numbers)].sort((a, b) => a - b);
}
