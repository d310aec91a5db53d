import { posix } from 'node:path';
import { folderOf, isIn, nameOf } from '../study/tree.ts';
import type { Draft, MigrationRule, Sources } from './model.ts';

/** Tools whose migrations are compiled into the app, or into a program beside it. */
export const compiledRules: readonly MigrationRule[] = [
  { marker: /(?:^|\/)mix\.exs$/, draft: ecto },
  { marker: /(?:^|\/)Migrations\/\w*ModelSnapshot\.cs$/, draft: entityFramework },
  { marker: /(?:^|\/)diesel\.toml$/, draft: diesel },
];

/** The folders of a release in the image: https://hexdocs.pm/phoenix/releases.html */
async function ecto(sources: Sources, at: string): Promise<Draft | undefined> {
  const home = folderOf(at);
  const text = (await sources.tree.read(at)) ?? '';
  if (!/:ecto_sql\b|:phoenix_ecto\b/.test(text)) return undefined;
  const release = sources.copied.findIndex((source) =>
    /\/rel\/[\w${}-]+\/?$|\/_build\/\S{1,300}\/rel\b/.test(source),
  );
  if (release < 0) return { tool: 'Ecto', at, home, command: 'mix ecto.migrate' };
  const folder = (sources.copiedTo[release] ?? '').replace(/\/$/, '');
  const base = folder === '' || folder === sources.workdir ? '' : `${folder}/`;
  const overlay = sources.files.find(
    (file) => isIn(file, posix.join(home, 'rel/overlays/bin')) && nameOf(file) === 'migrate',
  );
  if (overlay !== undefined)
    return {
      tool: 'Ecto',
      at: overlay,
      home,
      command: `${base === '' ? 'bin/' : `${base}bin/`}migrate`,
      isBuilt: true,
    };
  const [, app = ''] = /\bapp:\s*:(\w+)/.exec(text) ?? [];
  const module = await releaseModule(sources, home);
  return {
    tool: 'Ecto',
    at: module?.at ?? at,
    home,
    command: `${base === '' ? 'bin/' : `${base}bin/`}${app} eval "${module?.name ?? 'MyApp.Release'}.migrate()"`,
    isBuilt: true,
    gap:
      module === undefined
        ? 'A release does not include mix, and no module here migrates: create one with `mix phx.gen.release`.'
        : undefined,
  };
}

async function releaseModule(
  { tree, files }: Sources,
  home: string,
): Promise<{ at: string; name: string } | undefined> {
  for (const at of files.filter(
    (file) => isIn(file, posix.join(home, 'lib')) && /release(?:_tasks)?\.ex$/.test(file),
  )) {
    const text = (await tree.read(at)) ?? '';
    const [, name] = /^defmodule\s+([\w.]+)/m.exec(text) ?? [];
    if (name !== undefined && /^[ \t]*def migrate\b(?!\()|def migrate\(\)/m.test(text)) return { at, name };
  }
  return undefined;
}

/** Images of ASP.NET have only the runtime; a bundle is a program that needs no SDK. */
async function entityFramework(sources: Sources, at: string): Promise<Draft | undefined> {
  const home = folderOf(folderOf(at));
  const bundle = sources.runs
    .map(({ text }) => /\bef migrations bundle\b[^\n&|;]{0,300}?(?:-o|--output)[= ](\S+)/.exec(text)?.[1])
    .find((path) => path !== undefined);
  const hasAny = sources.runs.some(({ text }) => /\bef migrations bundle\b/.test(text));
  const name = nameOf(bundle ?? 'efbundle');
  const to = sources.copiedTo[sources.copied.findIndex((source) => nameOf(source) === name)];
  const path =
    to === undefined
      ? `./${name}`
      : to.endsWith('/') || nameOf(to) !== name
        ? `${to.replace(/\/$/, '')}/${name}`
        : to;
  return {
    tool: 'Entity Framework',
    at,
    home,
    command: path,
    isBuilt: true,
    gap: hasAny
      ? undefined
      : 'The image has no tool that migrates: build a bundle in the Dockerfile (`dotnet ef migrations bundle -o efbundle`) and copy it into the final stage.',
  };
}

async function diesel(sources: Sources, at: string): Promise<Draft | undefined> {
  const isThere =
    sources.runs.some(({ text }) => /\bdiesel_cli\b/.test(text)) ||
    sources.copied.some((source) => nameOf(source) === 'diesel');
  return {
    tool: 'Diesel',
    at,
    home: folderOf(at),
    command: 'diesel migration run',
    gap: isThere
      ? undefined
      : 'The image does not contain diesel: install diesel_cli, or embed the migrations in the app.',
  };
}
