import { resolve } from 'node:path';
import { openTexts } from './masking.ts';
import type { Config } from './model.ts';
import { composeTexts } from './written.ts';

/** What sluice.yml and the compose files call things: no secrets, whatever variable has them as well. */
export async function openTextsHere(
  config: Pick<Config, 'folder'> & Partial<Pick<Config, 'compose'>>,
): Promise<ReadonlySet<string>> {
  const files = (config.compose ?? []).map((path) => resolve(config.folder, path));
  const texts = await composeTexts(files);
  return new Set([...openTexts(config), ...serviceNames(texts.map(({ data }) => data))]);
}

/** Names of services and containers in compose files: logs and messages are full of them. */
export function serviceNames(documents: readonly unknown[]): string[] {
  return documents.flatMap((data) => {
    const { services } = (data ?? {}) as { services?: Readonly<Record<string, unknown>> | null };
    return Object.entries(services ?? {}).flatMap(([name, service]) => {
      const { container_name: container } = (service ?? {}) as { container_name?: unknown };
      return typeof container === 'string' ? [name, container] : [name];
    });
  });
}
