import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { builtImages } from '../../../src/config/images/built-images.ts';
import { withImages } from '../../../src/config/images/service-images.ts';
import type { ComposeModel, ComposeService } from '../../../src/config/model.ts';
import { planServices } from '../../../src/config/services/strategies.ts';
import { config } from './fixtures.ts';

/** Apps with Dockerfiles on disk: what becomes of each of their services. */

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-apps-'));
});
afterEach(async () => await rm(folder, { recursive: true }));

type Files = Readonly<Record<string, string>>;

export async function plansOf(
  services: Readonly<Record<string, ComposeService>>,
  files: Files = {},
  more: { registry?: string; images?: Readonly<Record<string, string>> } = {},
) {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  const absolute = Object.entries(services).map(([name, service]) => [
    name,
    typeof service.build === 'object'
      ? { ...service, build: { ...service.build, context: join(folder, service.build.context ?? '') } }
      : service,
  ]);
  const model: ComposeModel = { name: 'shop', services: Object.fromEntries(absolute) };
  const images = await builtImages(model);
  const deployed = withImages(model, more.images ?? {});
  const plans = planServices(deployed, { ...config, registry: more.registry }, { images });
  return Object.fromEntries(plans.map((plan) => [plan.name, plan]));
}

export async function strategiesOf(...args: Parameters<typeof plansOf>): Promise<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(await plansOf(...args)).map(([name, plan]) => [name, plan.strategy]),
  );
}

export const port = (target: number, published = `${target}`) => ({ target, published });
export const words = (line: string) => line.split(' ');
