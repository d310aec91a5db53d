import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { parse } from 'yaml';
import {
  composeTexts,
  mountKey,
  objectKey,
  type WrittenCompose,
} from '../../../src/config/compose/written.ts';
import type { ComposeModel, ComposeService, ComposeVolume } from '../../../src/config/model.ts';
import { type MountPlan, planMounts } from '../../../src/config/mounts/plan.ts';

/** A checkout with a compose file, as `docker compose config` makes a model of it; no docker is needed. */
export interface Checkout {
  readonly folder: string;
  put(path: string, text: string | null): void;
  /** Makes a repository of it, and gives git all that it does not ignore. */
  commit(): void;
  written(): Promise<WrittenCompose>;
  model(): ComposeModel;
  plan(): Promise<MountPlan>;
}

const base = mkdtempSync(join(tmpdir(), 'sluice-mounts-'));
export const removeCheckouts = () => rmSync(base, { recursive: true, force: true });
let checkouts = 0;

/**
 * @param files by path; null makes a folder. `compose.yml` is among them.
 * @param below folder of compose.yml and sluice.yml.
 */
export function checkout(
  files: Readonly<Record<string, string | null>>,
  { below = '' }: { readonly below?: string } = {},
): Checkout {
  checkouts += 1;
  const top = join(base, `repo ${checkouts}`);
  const folder = join(top, below);
  mkdirSync(folder, { recursive: true });
  const run = (...args: string[]) => execFileSync('git', ['-C', top, ...args], { stdio: 'pipe' });
  const put = (path: string, text: string | null) => {
    const file = join(top, path);
    mkdirSync(text === null ? file : dirname(file), { recursive: true });
    if (text !== null) writeFileSync(file, text);
  };
  for (const [path, text] of Object.entries(files)) put(path, text);
  const composeFile = join(below, 'compose.yml');
  const document = () => parse(readFileSync(join(top, composeFile), 'utf8'), { merge: true }) as Document;
  const written = async (): Promise<WrittenCompose> => ({
    sources: sourcesOf(document()),
    files: await composeTexts([join(folder, 'compose.yml')]),
    envFile: new Set(),
  });
  const model = () => modelOf(document(), folder);
  return {
    folder,
    put,
    commit: () => {
      run('init', '-q');
      run('add', '--all');
    },
    written,
    model,
    plan: async () => planMounts(model(), folder, { env: process.env }, { written: await written() }),
  };
}

interface Document {
  readonly services: Readonly<
    Record<string, Readonly<Record<string, unknown>> & { readonly volumes?: readonly unknown[] }>
  >;
  readonly secrets?: Readonly<Record<string, { readonly file?: string }>>;
  readonly configs?: Readonly<Record<string, { readonly file?: string }>>;
  readonly volumes?: ComposeModel['volumes'];
}

/** `source:target[:ro]` with defaults of variables, and the long form, as Compose tells them apart. */
function volumeOf(item: unknown): ComposeVolume {
  if (typeof item !== 'string') return item as ComposeVolume;
  const [first = '', target, mode] = item.replace(/\$\{\w+:-([^}]*)\}/g, '$1').split(':');
  if (target === undefined) return { type: 'volume', target: first };
  const type = /^[./~]/.test(first) ? 'bind' : 'volume';
  return { type, source: first, target, ...(mode === 'ro' ? { read_only: true } : {}) };
}

function sourcesOf(document: Document): Map<string, string> {
  const sources = new Map<string, string>();
  for (const [name, { volumes = [] }] of Object.entries(document.services)) {
    for (const { type, source, target } of volumes.map(volumeOf))
      if (type === 'bind' && source !== undefined) sources.set(mountKey(name, target), source);
  }
  for (const kind of ['secrets', 'configs'] as const) {
    for (const [name, { file }] of Object.entries(document[kind] ?? {}))
      if (file !== undefined) sources.set(objectKey(kind, name), file);
  }
  return sources;
}

function modelOf(document: Document, folder: string): ComposeModel {
  const whole = (path: string) => (isAbsolute(path) ? path : join(folder, path));
  const services = Object.entries(document.services).map(([name, { volumes, build, ...rest }]) => {
    const context = typeof build === 'string' ? build : (build as { context?: string } | undefined)?.context;
    const service = {
      ...rest,
      ...(build === undefined
        ? {}
        : { build: { ...(typeof build === 'object' ? build : {}), context: whole(context ?? '.') } }),
      ...(volumes === undefined
        ? {}
        : {
            volumes: volumes
              .map(volumeOf)
              .map((volume) =>
                volume.type === 'bind' ? { ...volume, source: whole(volume.source ?? '') } : volume,
              ),
          }),
    };
    return [name, service as ComposeService] as const;
  });
  const objects = (kind: 'secrets' | 'configs') =>
    Object.fromEntries(
      Object.entries(document[kind] ?? {}).map(([name, object]) => [
        name,
        object.file === undefined ? object : { ...object, file: whole(object.file) },
      ]),
    );
  return {
    name: 'shop',
    services: Object.fromEntries(services),
    ...(document.volumes === undefined ? {} : { volumes: document.volumes }),
    ...(document.secrets === undefined ? {} : { secrets: objects('secrets') }),
    ...(document.configs === undefined ? {} : { configs: objects('configs') }),
  };
}

/** `compose.mount-data services.web.volumes: …` for each fault. */
export function faultLines(plan: MountPlan): string[] {
  return plan.faults.map(({ code, message }) => `${code} ${message}`);
}

/** `web:/app left out` for each mount. */
export function handlings(plan: MountPlan): string[] {
  return plan.mounts.map(({ key, handling }) => `${key.replace(/^services\./, '')} ${handling}`);
}

/** A compose file of one service with mounts. */
export const web = (volumes: string, more = 'image: acme/web') =>
  `services: { web: { ${more}, volumes: [${volumes}] } }`;

/** A Dockerfile that copies the whole project. */
export const python = 'FROM python:3.13\nWORKDIR /srv/shop\nCOPY . .\nCMD ["gunicorn", "shop:app"]\n';

/** What becomes of mounts of `web`, and why not; a repository if there is a .gitignore. */
export async function judge(
  volumes: string,
  files: Readonly<Record<string, string | null>> = {},
  more?: string,
) {
  const repo = checkout({ 'compose.yml': web(volumes, more), ...files });
  if ('.gitignore' in files) repo.commit();
  const plan = await repo.plan();
  return { plan, faults: faultLines(plan), handled: handlings(plan) };
}
