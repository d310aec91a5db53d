import { existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { studyApp } from '../../../src/checks/rules/app.ts';
import { unknownValue } from '../../../src/checks/rules/compose/variables.ts';
import { composeUses } from '../../../src/checks/rules/env/example.ts';
import { loadComposeModel } from '../../../src/config/compose/load.ts';
import type { ComposeModel, ComposeService } from '../../../src/config/model.ts';
import { parseBytes } from '../../../src/config/sluice-yml/human.ts';
import { folderRepo } from '../../support/checks/own.ts';

// Our rules merge compose files themselves, so that they need no docker: here Compose itself says whether they do it right.

const root = join(import.meta.dirname, '../../..');
const fixtures = ['bad', 'good'].flatMap((kind) => {
  const folder = join(root, 'test/fixtures/checks', kind);
  return readdirSync(folder).map((name) => join(folder, name));
});
const folders = [
  ...fixtures,
  join(root, 'examples/bookreader'),
  join(root, 'test/fixtures/init/subfolder'),
].filter((folder) => studyApp(folderRepo(folder), undefined).project !== undefined);

/** What the rules read of a service, in one way of writing it. */
function seen(service: ComposeService, folder: string) {
  const below = (path = '') => (path.startsWith(folder) ? relative(folder, path) : path);
  const limits = service.deploy?.resources?.limits;
  return {
    image: service.image,
    command: service.command ?? undefined,
    environment: service.environment ?? {},
    restart: service.restart,
    privileged: service['privileged'] === true,
    replicas: service.deploy?.replicas,
    memory: parseBytes(String(limits?.memory ?? service['mem_limit'] ?? '')),
    cpus: limits?.cpus === undefined ? undefined : Number(limits.cpus),
    test: service.healthcheck?.disable === true ? ['NONE'] : service.healthcheck?.test,
    ports: (service.ports ?? []).map(
      ({ target, published, host_ip }) => `${host_ip ?? ''}:${published ?? ''}:${target}`,
    ),
    volumes: (service.volumes ?? [])
      .map(
        ({ type, source, target, read_only }) => `${type} ${below(source)} ${target} ${read_only === true}`,
      )
      .sort(),
    depends: Object.entries(service.depends_on ?? {})
      .map(([name, { condition }]) => `${name} ${condition}`)
      .sort(),
    context: typeof service.build === 'object' ? below(service.build.context) : undefined,
  };
}

test.each(folders.map((folder) => [relative(root, folder), folder]))('%s', async (_name, folder) => {
  expect(existsSync(folder)).toBe(true);
  const app = studyApp(folderRepo(folder), undefined);
  const compose = app.project?.documents.map(({ path }) => path) ?? [];
  // A default of the compose file counts more than an example's value.
  const values = new Map((app.example?.entries ?? []).map(({ name, value }) => [name, value]));
  const needed = composeUses(app).filter(({ optional }) => !optional);
  const env = Object.fromEntries(needed.map(({ name }) => [name, values.get(name) || unknownValue]));
  const model: ComposeModel = await loadComposeModel({ app: 'rules', folder, compose }, env, {
    env: process.env,
  });
  const theirs = Object.entries(model.services).map(([name, service]) => [name, seen(service, folder)]);
  const ours = Object.entries(app.project?.model.services ?? {}).map(([name, service]) => [
    name,
    seen(service, folder),
  ]);
  const plain = JSON.stringify(Object.fromEntries(theirs)).replaceAll('$$', '$');
  expect(JSON.parse(JSON.stringify(Object.fromEntries(ours)).replaceAll('$$', '$'))).toEqual(
    JSON.parse(plain),
  );
});
