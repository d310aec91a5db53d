import { accessSync, constants, statSync } from 'node:fs';
import { chmod, mkdir, rm } from 'node:fs/promises';
import { basename, isAbsolute, join } from 'node:path';
import { messageOf, UserError } from '../../kernel/errors.ts';
import type { Preparation, RunContext } from '../tool.ts';
import { type DownloadLimits, download, sha256Of } from './download.ts';
import { type LockedFile, type LockedTool, lock, type Platform, stolen, type ToolName } from './lock.ts';
import { unpacked } from './unpack.ts';

/** A program that is ready to run. */
interface ReadyTool {
  readonly path: string;
  /** undefined if the one on PATH does not report it. */
  readonly version: string | undefined;
  readonly from: 'path' | 'locked';
}

const closedNetwork = 'If GitHub is unreachable, set SLUICE_TOOLS_MIRROR to a mirror of https://github.com.';

/** A tool of the lock: the one on PATH if sluice.yml allows it, else the locked version. */
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

/** Overrides for tests. */
interface ToolboxChoices {
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
      `${name} is not on PATH, and \`checks.tools: path\` forbids downloads`,
      `Install ${name} on PATH, or set \`checks.tools: auto\`.`,
    );
  }
  const { version, files } = choices.locked ?? lock[name];
  const platform = choices.platform ?? `${process.platform}-${process.arch}`;
  const file = files[platform as Platform];
  if (file === undefined) {
    throw missing(
      `${name} is not on PATH, and Sluice has no locked version for ${platform}`,
      `Install ${name} on PATH.`,
    );
  }
  return { path: await lockedProgram(name, version, file, context, choices.limits), version, from: 'locked' };
}

/** The locked program in the cache, with its hash verified in every run: the cache may be shared. */
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
    context.note(`downloading ${name} ${version}`);
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
      message: `Cannot unpack ${file.url}: ${messageOf(error)}`,
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
      message: 'SLUICE_TOOLS_MIRROR is not an http:// or https:// URL',
      hint: 'Set it to the URL that replaces https://github.com, such as https://mirror.example/github.',
    });
  }
  return url.replace('https://github.com', mirror.replace(/(?<!\/)\/+$/, ''));
}

/** Only for the report: a missing version is not an error. */
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
    message: `${path} is ${name} ${version}, a compromised release`,
    hint: `Remove it and rotate every secret of this machine. Then install ${name} ${lock[name].version}.`,
  });
}

/**
 * A program on PATH, without a shell. Relative folders of PATH do not count: they are folders of the repository, and
 * untrusted code must not choose its checker.
 */
export function onPath(name: string, path: string | undefined): string | undefined {
  return (path ?? '')
    .split(':')
    .filter((folder) => isAbsolute(folder))
    .map((folder) => join(folder, name))
    .find(isProgram);
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
