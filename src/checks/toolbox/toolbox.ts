import { chmod, mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { messageOf, UserError } from '../../kernel/errors.ts';
import type { Preparation, RunContext } from '../tool.ts';
import { type DownloadLimits, download, sha256Of } from './download.ts';
import { type LockedFile, type LockedTool, lock, type Platform, stolen, type ToolName } from './lock.ts';
import { onPath } from './on-path.ts';
import { unpacked } from './unpack.ts';

/** A program that is ready to run. */
export interface ReadyTool {
  readonly path: string;
  /** undefined when the one on PATH does not say. */
  readonly version: string | undefined;
  readonly from: 'path' | 'locked';
}

/** Where a tool is looked for, in words for hints. */
const closedNetwork =
  'Where GitHub cannot be reached, SLUICE_TOOLS_MIRROR names a mirror of https://github.com.';

/** A tool of the lock: the one on PATH where sluice.yml allows it, else the locked version. */
export function toolboxTool(name: ToolName): Preparation<ReadyTool> {
  return {
    id: `tool ${name}`,
    what: `${name} ${lock[name].version}, or the one on PATH`,
    needs: [],
    cost: { cores: 1, memory: 100 * 1024 * 1024, seconds: 3 },
    timeoutMs: 10 * 60_000,
    make: (context) => readyTool(name, context),
  };
}

export type ToolboxContext = Pick<RunContext, 'settings' | 'env' | 'signal' | 'cache' | 'spawn' | 'note'>;

/** What tests choose for themselves. */
export interface ToolboxChoices {
  readonly locked?: LockedTool;
  readonly platform?: string;
  readonly limits?: DownloadLimits;
}

/**
 * @throws UserError `checks.tool-missing`, `checks.tool-fetch`, `checks.tool-hash`, `checks.tool-stolen`.
 */
export async function readyTool(
  name: ToolName,
  context: ToolboxContext,
  choices: ToolboxChoices = {},
): Promise<ReadyTool> {
  const { tools } = context.settings;
  const found = tools === 'locked' ? undefined : onPath(name, context.env['PATH']);
  if (found !== undefined) {
    const version = await versionOf(found, name, context);
    if (version !== undefined && stolen[name]?.includes(version)) throw stolenTool(name, version, found);
    return { path: found, version, from: 'path' };
  }
  if (tools === 'path') {
    throw missing(
      `${name} is not on PATH, and \`checks.tools: path\` downloads nothing`,
      `Install ${name} on PATH, or set \`checks.tools: auto\`.`,
    );
  }
  const { version, files } = choices.locked ?? lock[name];
  const platform = choices.platform ?? `${process.platform}-${process.arch}`;
  const file = files[platform as Platform];
  if (file === undefined) {
    throw missing(
      `${name} is not on PATH, and there is no locked ${name} for ${platform}`,
      `Install ${name} on PATH.`,
    );
  }
  return { path: await lockedProgram(name, version, file, context, choices.limits), version, from: 'locked' };
}

/** The locked program in the cache, its hash verified in every run: what is there may come from a shared cache. */
async function lockedProgram(
  name: string,
  version: string,
  file: LockedFile,
  context: ToolboxContext,
  limits: DownloadLimits | undefined,
): Promise<string> {
  const folder = join(context.cache, 'tools', `${name}-${version}-${file.sha256.slice(0, 12)}`);
  const fetched = join(folder, basename(new URL(file.url).pathname));
  await mkdir(folder, { recursive: true });
  if ((await sha256Of(fetched)) !== file.sha256) {
    await rm(fetched, { force: true });
    context.note(`fetching ${name} ${version}`);
    await download(mirrored(file.url, context.env), fetched, file.sha256, context.signal, limits);
  }
  if (file.path === undefined) {
    await chmod(fetched, 0o755);
    return fetched;
  }
  const program = join(folder, name);
  try {
    await unpacked(fetched, file.path, program);
  } catch (error) {
    throw new UserError({
      code: 'checks.tool-fetch',
      message: `${file.url} cannot be unpacked: ${messageOf(error)}`,
      hint: `Install ${name} on PATH.`,
      cause: error,
    });
  }
  return program;
}

function mirrored(url: string, env: RunContext['env']): string {
  const mirror = env['SLUICE_TOOLS_MIRROR'];
  if (mirror === undefined || mirror === '') return url;
  if (!/^https?:\/\//.test(mirror)) {
    throw new UserError({
      code: 'checks.tool-fetch',
      message: 'SLUICE_TOOLS_MIRROR is no address that begins with https://',
      hint: 'Name the address that stands for https://github.com, such as https://mirror.example/github.',
    });
  }
  return url.replace('https://github.com', mirror.replace(/(?<!\/)\/+$/, ''));
}

/** For the report alone, so that no answer is no fault. */
async function versionOf(path: string, name: ToolName, context: ToolboxContext): Promise<string | undefined> {
  const asked = name === 'actionlint' ? '-version' : '--version';
  const answer = await context.spawn([path, asked], { quiet: true });
  return /(?<!\d)\d+\.\d+\.\d+/.exec(`${answer.stdout}\n${answer.stderr}`)?.[0];
}

function missing(message: string, hint: string): UserError {
  return new UserError({ code: 'checks.tool-missing', message, hint: `${hint} ${closedNetwork}` });
}

function stolenTool(name: ToolName, version: string, path: string): UserError {
  return new UserError({
    code: 'checks.tool-stolen',
    message: `${path} is ${name} ${version}, a release that thieves have made`,
    hint: `Remove it, and replace every secret that this machine has. Then install ${name} ${lock[name].version}.`,
  });
}
