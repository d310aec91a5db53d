import { isAbsolute, join } from 'node:path';
import { composeTexts } from '../compose/written.ts';
import type { Config } from '../model.ts';
import { openTexts } from './masking.ts';

/**
 * Names that a compose file gives to services, volumes, networks and hosts. `DB_HOST=orders-db` holds one of them, and
 * output without it is unreadable.
 *
 * @param compose a compose file, or a model: whatever is there.
 */
export function openNames(compose: unknown): string[] {
  const { services, volumes, networks } = asObject(compose);
  const hosts = Object.values(asObject(services)).flatMap((service) => {
    const { container_name, hostname } = asObject(service);
    return [container_name, hostname].filter((name) => typeof name === 'string');
  });
  const names = [services, volumes, networks].flatMap((section) => Object.keys(asObject(section)));
  return [...names, ...hosts.filter((name) => !name.includes('$'))];
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/** Texts of sluice.yml and names in the compose files: everyone who can read the repository knows them. */
export async function openIn(
  config: Pick<Config, 'folder'> & Partial<Pick<Config, 'compose'>>,
): Promise<ReadonlySet<string>> {
  const files = config.compose?.map((path) => (isAbsolute(path) ? path : join(config.folder, path))) ?? [];
  const texts = await composeTexts(files);
  return new Set([...openTexts(config), ...texts.flatMap(({ data }) => openNames(data))]);
}
