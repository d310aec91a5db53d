import { isAbsolute } from 'node:path';
import { shownPath } from '../../config/compose/cli.ts';
import { parseImage } from '../../config/images/reference.ts';
import { type Place, UserError } from '../../kernel/errors.ts';
import type { BuildTarget } from '../model.ts';
import { judge } from '../publish/push.ts';
import { bakeName } from './bake.ts';
import type { ProgressReader, Step } from './progress.ts';

const lastLines = 15;

/**
 * The error of a failed bake run, from BuildKit's steps and buildx's last lines.
 *
 * @param sources texts of the Dockerfiles: if buildx names no target, its extract of the file identifies it.
 * @param hasLogin whether a registry was given a login, for the hint when it refuses.
 */
export function buildFailure(
  progress: ProgressReader,
  targets: readonly BuildTarget[],
  code: number,
  sources: ReadonlyMap<BuildTarget, string> = new Map(),
  hasLogin: (host: string) => boolean = () => true,
): UserError {
  const said = progress.rest();
  // A step that failed to read a cache has an error too, and does not fail the build.
  const steps = progress.steps().filter(({ kind }) => kind !== 'cache-import');
  const last = said.findLast((line) => /^ERROR: /.test(line));
  // When one target fails, steps of the others end with errors, too; buildx names the first.
  const wrong = steps.filter(({ error }) => error !== undefined && !/context canceled/.test(error));
  const failed = wrong.find(({ error }) => error !== undefined && last?.includes(error)) ?? wrong[0];
  const why = withoutNoise(last ?? failed?.error ?? said.at(-1) ?? '');
  const target = targetOf(failed, why, targets) ?? targetOfExtract(said, sources);
  const name = target?.name ?? 'the build';
  const kind = kindOf(why, failed);
  if (kind === 'build.push' && target !== undefined) {
    const { registry } = parseImage(target.repository, target.name);
    return judge(target.repository, why, hasLogin(registry)).error;
  }
  // No line of a Dockerfile is to blame for a full disk.
  const at = kind === 'build.disk-full' ? undefined : placeOf(said, target);
  const output = outputOf(failed, said, why);
  return new UserError({
    code: kind,
    message: messageOf(kind, name, failed, why, code),
    ...(at === undefined ? {} : { at }),
    ...(output === '' ? {} : { output }),
    ...hintOf(kind, why, failed),
  });
}

type Kind =
  | 'build.failed'
  | 'build.dockerfile'
  | 'build.base'
  | 'build.secret'
  | 'build.disk-full'
  | 'build.push'
  | 'build.builder'
  | 'build.unsupported';

function kindOf(why: string, failed: Step | undefined): Kind {
  const all = `${why} ${failed?.error ?? ''} ${failed?.output.slice(-5).join(' ') ?? ''}`;
  if (/no space left on device|disk quota exceeded/i.test(all)) return 'build.disk-full';
  if (
    /Cannot connect to the Docker daemon|error reading from server|connection refused.{0,300}buildkit/i.test(
      all,
    )
  ) {
    return 'build.builder';
  }
  if (/granting entitlement \S+ is not allowed/.test(all)) return 'build.unsupported';
  if (failed?.kind === 'export') return 'build.push';
  if (
    /parse error|unknown instruction|dockerfile.{0,300}(?:not found|no such file)|failed to read dockerfile/i.test(
      why,
    )
  ) {
    return 'build.dockerfile';
  }
  if (
    /secret .{0,300}not found|environment variable .{0,300} not found|failed to stat .{0,300}secret/i.test(
      all,
    )
  )
    return 'build.secret';
  if (
    /failed to resolve source metadata|pull access denied|load metadata for/i.test(`${all} ${failed?.name}`)
  ) {
    return 'build.base';
  }
  if (/failed to compute cache key|failed to calculate checksum/.test(all)) return 'build.dockerfile';
  return failed?.kind === 'instruction' ? 'build.failed' : 'build.dockerfile';
}

function messageOf(kind: Kind, name: string, failed: Step | undefined, why: string, code: number): string {
  switch (kind) {
    case 'build.failed': {
      const exit = /exit code: (\d+)/.exec(`${failed?.error} ${why}`)?.[1];
      return `${name}: ${failed?.name ?? 'a step'} ${exit === undefined ? `failed: ${failed?.error ?? why}` : `exited with code ${exit}`}`;
    }
    case 'build.disk-full':
      return `${name}: the builder’s disk is full${diskOf(`${why} ${failed?.error ?? ''}`)}`;
    case 'build.builder':
      return 'The builder stopped during the build';
    default:
      return `${name}: ${why === '' ? `buildx exited with code ${code}` : why}`;
  }
}

/** The first folders of the path that cannot be written: ` (/var/lib/docker)`. */
function diskOf(text: string): string {
  const folder = /(?:^| )(\/[^/\s:]+(?:\/[^/\s:]+){0,2})\/\S*: (?:no space left|disk quota)/i.exec(text)?.[1];
  return folder === undefined ? '' : ` (${folder})`;
}

function outputOf(failed: Step | undefined, said: readonly string[], why: string): string {
  const lines = failed?.output.slice(-lastLines) ?? [];
  if (lines.length > 0) return lines.join('\n');
  const shown = said.filter((line) => !line.includes(why) || why === '');
  return shown.slice(-lastLines).join('\n');
}

/** Without the prefixes `failed to solve: ` and `target x: `, which repeat the message. */
function withoutNoise(line: string): string {
  return line
    .replace(/^ERROR: /, '')
    .replace(/^target [^:]+: /, '')
    .replace(/failed to solve: /, '')
    .replace(/failed to compute cache key: |failed to calculate checksum of ref \S+: /g, '')
    .trim();
}

function targetOf(
  failed: Step | undefined,
  why: string,
  targets: readonly BuildTarget[],
): BuildTarget | undefined {
  const named = failed?.target ?? /^target ([^:]+):/.exec(why)?.[1];
  return (
    targets.find((target) => bakeName(target) === named) ?? (targets.length === 1 ? targets[0] : undefined)
  );
}

/** The only target whose Dockerfile has the lines that buildx marks with `>>>`. */
function targetOfExtract(
  said: readonly string[],
  sources: ReadonlyMap<BuildTarget, string>,
): BuildTarget | undefined {
  const marked = said.flatMap((line) => {
    const match = /^\s*(\d+) \| >>> (.*)$/.exec(line);
    return match === null ? [] : [{ line: Number(match[1]), text: (match[2] ?? '').trim() }];
  });
  if (marked.length === 0) return undefined;
  const found = [...sources].filter(([, source]) => {
    const lines = source.split(/\r?\n/);
    return marked.every(({ line, text }) => lines[line - 1]?.trim() === text);
  });
  return found.length === 1 ? found[0]?.[0] : undefined;
}

/** buildx prints `Dockerfile:12` above an extract of the file; its path is that of the target. */
function placeOf(said: readonly string[], target: BuildTarget | undefined): Place | undefined {
  const index = said.findIndex((line, at) => /:\d+$/.test(line) && /^-{10,}$/.test(said[at + 1] ?? ''));
  const line = Number(/:(\d+)$/.exec(said[index] ?? '')?.[1]);
  if (target === undefined || target.dockerfile.kind === 'inline') return undefined;
  const { path } = target.dockerfile;
  const file = isAbsolute(path) ? shownPath(path) : path;
  return Number.isFinite(line) ? { file, line } : { file };
}

/** Hints for common mistakes, by the output of tools. */
const hints: readonly (readonly [pattern: RegExp, hint: string])[] = [
  [
    /exit code: 137|\bKilled\b/,
    'Exit code 137 usually means out of memory: give the builder more, or make the step use less.',
  ],
  [
    /npm ERR! .{0,300}lock|`npm ci` can only install/,
    'package-lock.json and package.json disagree: run `npm install` and commit the lock file.',
  ],
  [
    /Could not find a version that satisfies|No matching distribution/,
    'Check that this version exists for this Python and platform.',
  ],
  [
    /ENOTFOUND|EAI_AGAIN|Temporary failure in name resolution|Could not resolve host/i,
    'DNS lookups fail in the build: check the network of the builder.',
  ],
  [
    /CERTIFICATE_VERIFY_FAILED|self.signed certificate|unable to get local issuer/i,
    'A proxy replaces the certificate: add its CA to the base image.',
  ],
  [/EACCES|Permission denied/i, 'Check the USER of this step and the executable bit of the file.'],
  [
    /exec format error/i,
    'The base image is for another platform: check `platforms`, and install QEMU to build for it.',
  ],
  [
    /command not found|: not found|exit code: 127/,
    'The program is not in this stage’s image: install it in an earlier step.',
  ],
];

function hintOf(kind: Kind, why: string, failed: Step | undefined): { hint?: string } {
  switch (kind) {
    case 'build.failed': {
      const text = `${why}\n${failed?.error}\n${failed?.output.slice(-lastLines).join('\n')}`;
      const hint = hints.find(([pattern]) => pattern.test(text))?.[1];
      return { hint: hint ?? 'To reproduce it, run `docker buildx build` with this context and Dockerfile.' };
    }
    case 'build.dockerfile':
      return /not found/.test(why)
        ? { hint: 'Paths start at the context folder. Check that .dockerignore does not exclude the file.' }
        : {};
    case 'build.base':
      return {
        hint: 'Check its name, and that its registry is reachable. For a private image, run `docker login` first.',
      };
    case 'build.disk-full':
      return {
        hint: 'Free space where the builder runs: docker builder prune, docker image prune; docker system df shows what uses it.',
      };
    case 'build.unsupported':
      return {
        hint: 'Allow it in the builder: docker buildx create --buildkitd-flags "--allow-insecure-entitlement NAME".',
      };
    case 'build.secret':
      return { hint: 'Set the variable, or create the file, that `secrets:` in the compose file names.' };
    default:
      return {};
  }
}
