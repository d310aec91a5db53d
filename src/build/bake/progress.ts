import { isAbsolute } from 'node:path';
import { shownPath } from '../../config/compose/cli.ts';
import type { BuildFinding, PlannedTarget, SlowStep } from '../plan.ts';
import { bakeName } from './bake.ts';

/** Reads what `buildx --progress=rawjson` prints: BuildKit's SolveStatus, one document after the other. */

export interface Step {
  readonly id: string;
  /** Bake target; empty where it belongs to none. */
  readonly target: string;
  /** As the Dockerfile has it, with its place: `[deps 2/3] RUN pip install`. */
  readonly name: string;
  /** `instruction`: a line of the Dockerfile, which is what the cache is about. */
  readonly kind: 'instruction' | 'base' | 'cache-import' | 'cache-export' | 'export' | 'internal';
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
  readonly cached: boolean;
  readonly error: string | undefined;
  readonly output: readonly string[];
}

/** A finding of one of Docker's own build checks. */
export interface BuildWarning {
  readonly target: string;
  readonly text: string;
  readonly details: readonly string[];
  readonly file: string | undefined;
  readonly line: number | undefined;
  readonly url: string | undefined;
}

export interface ProgressReader {
  /** Takes one line of buildx's stderr. */
  feed(line: string): void;
  steps(): readonly Step[];
  warnings(): readonly BuildWarning[];
  /** Lines that are not JSON: buildx's own, at the end when it fails. */
  rest(): readonly string[];
}

interface Vertex {
  readonly digest: string;
  readonly name?: string;
  readonly started?: string;
  readonly completed?: string;
  readonly cached?: boolean;
  readonly error?: string;
}

interface Status {
  readonly vertexes?: readonly Vertex[] | null;
  readonly logs?: readonly { readonly vertex: string; readonly data: string }[] | null;
  readonly warnings?:
    | readonly {
        readonly vertex: string;
        readonly short?: string;
        readonly detail?: readonly string[] | null;
        readonly url?: string;
        readonly sourceInfo?: { readonly filename?: string } | null;
        readonly range?: readonly { readonly start?: { readonly line?: number } }[] | null;
      }[]
    | null;
}

type Mutable = { -readonly [K in keyof Step]: Step[K] } & { lines: string[]; partial: string };

/** Only this much of the end of a step's output is kept. */
const mostLines = 2_000;

/**
 * @param targets names of the bake targets: with more than one, BuildKit puts a step's own before it.
 * @param onStep called whenever a step begins or ends.
 */
export function readProgress(targets: readonly string[], onStep?: (step: Step) => void): ProgressReader {
  const steps = new Map<string, Mutable>();
  const warnings: BuildWarning[] = [];
  const rest: string[] = [];
  let open: string[] | undefined;

  function feed(line: string): void {
    if (open === undefined && line.startsWith('{')) {
      // buildx 0.13 prints documents over many lines, later ones each on one.
      if (line.trimEnd().endsWith('}') && take(line)) return;
      open = [line];
    } else if (open !== undefined) {
      open.push(line);
      if (line === '}') {
        if (!take(open.join('\n'))) rest.push(...open);
        open = undefined;
      }
    } else if (line.trim() !== '') rest.push(line);
  }

  function take(text: string): boolean {
    let status: Status;
    try {
      status = JSON.parse(text) as Status;
    } catch {
      return false;
    }
    for (const vertex of status.vertexes ?? []) takeVertex(vertex);
    for (const { vertex, data } of status.logs ?? []) {
      const step = steps.get(vertex);
      if (step !== undefined) addOutput(step, Buffer.from(data, 'base64').toString('utf8'));
    }
    for (const warning of status.warnings ?? []) {
      const decode = (part: string) => Buffer.from(part, 'base64').toString('utf8');
      warnings.push({
        target: steps.get(warning.vertex)?.target ?? '',
        text: decode(warning.short ?? ''),
        details: (warning.detail ?? []).map(decode),
        file: warning.sourceInfo?.filename,
        line: warning.range?.[0]?.start?.line,
        url: warning.url,
      });
    }
    return true;
  }

  function takeVertex(vertex: Vertex): void {
    const known = steps.get(vertex.digest);
    const step = known ?? newStep(vertex, targets);
    if (known === undefined) steps.set(vertex.digest, step);
    const before = [step.startedAt, step.endedAt, step.error].join();
    // A step may begin again; its time is that of the last run.
    if (vertex.started) step.startedAt = Date.parse(vertex.started);
    step.endedAt = vertex.completed ? Date.parse(vertex.completed) : undefined;
    if (step.endedAt !== undefined && step.partial !== '') addOutput(step, '\n');
    if (vertex.cached === true) step.cached = true;
    step.error = vertex.error || undefined;
    if (before !== [step.startedAt, step.endedAt, step.error].join()) onStep?.(step);
  }

  return { feed, steps: () => [...steps.values()], warnings: () => warnings, rest: () => rest };
}

function newStep(vertex: Vertex, targets: readonly string[]): Mutable {
  const { target, name } = splitName(vertex.name ?? '', targets);
  const lines: string[] = [];
  return {
    id: vertex.digest,
    target,
    name,
    kind: kindOf(name),
    startedAt: undefined,
    endedAt: undefined,
    cached: false,
    error: undefined,
    output: lines,
    lines,
    partial: '',
  };
}

/** `[backend deps 2/3] RUN x` → backend, `[deps 2/3] RUN x`. */
function splitName(name: string, targets: readonly string[]): { target: string; name: string } {
  const [only] = targets;
  const isOurs = !name.startsWith('[internal] load local bake');
  if (targets.length === 1 && only !== undefined) return { target: isOurs ? only : '', name };
  const match = /^\[([^\s\]]+)(?: ([^\]]*))?\] ?(.*)$/s.exec(name);
  const target = match?.[1];
  if (match === null || target === undefined || !targets.includes(target)) return { target: '', name };
  return { target, name: match[2] === undefined ? (match[3] ?? '') : `[${match[2]}] ${match[3]}` };
}

function kindOf(name: string): Step['kind'] {
  if (/^\[(?:[^\]]* )?\d+\/\d+\] /.test(name)) return /\] FROM /.test(name) ? 'base' : 'instruction';
  if (/^\[context /.test(name)) return 'base';
  if (/^importing cache/.test(name)) return 'cache-import';
  if (/^(?:exporting cache|preparing build cache|sending cache)/.test(name)) return 'cache-export';
  if (/^(?:exporting|pushing|auth\b)/.test(name)) return 'export';
  return 'internal';
}

function addOutput(step: Mutable, text: string): void {
  const parts = (step.partial + text).split('\n');
  step.partial = parts.pop() ?? '';
  step.lines.push(...parts);
  if (step.lines.length > mostLines) step.lines.splice(0, step.lines.length - mostLines);
}

/** How long the step took, ms; undefined if it did not run to its end. */
export function stepMs({ startedAt, endedAt }: Step): number | undefined {
  return startedAt === undefined || endedAt === undefined ? undefined : Math.max(0, endedAt - startedAt);
}

export interface CacheCount {
  readonly cached: number;
  readonly run: number;
}

/** How many lines of the Dockerfiles came from the cache, and how many were run. */
export function countCached(steps: readonly Step[]): CacheCount {
  const own = steps.filter(({ kind }) => kind === 'instruction');
  return {
    cached: own.filter(({ cached }) => cached).length,
    run: own.filter(({ cached, endedAt }) => !cached && endedAt !== undefined).length,
  };
}

const most = 5;
/** Shorter steps are not worth a line. */
const leastMs = 500;

/** The steps that took longest, the longest first. */
export function slowestSteps(steps: readonly Step[]): SlowStep[] {
  return steps
    .flatMap((step): SlowStep[] => {
      const ms = stepMs(step);
      return ms === undefined || ms < leastMs || step.cached
        ? []
        : [{ target: step.target, name: step.name, ms }];
    })
    .sort((a, b) => b.ms - a.ms)
    .slice(0, most);
}

/** A cache tag that does not exist yet. A missing blob that the cache's manifest names is an error. */
function isNotThereYet(error: string): boolean {
  return /: not found$/.test(error) && !/content descriptor/.test(error);
}

/** Docker's own build checks, and caches that cannot be written. A cache that does not exist yet is not a finding. */
export function checkFindings(progress: ProgressReader, planned: readonly PlannedTarget[]): BuildFinding[] {
  const checks = progress.warnings().map((warning): BuildFinding => {
    const found = planned.find(({ target }) => bakeName(target) === warning.target)?.target;
    const path = found?.dockerfile.kind === 'file' ? found.dockerfile.path : warning.file;
    const file = path === undefined ? undefined : isAbsolute(path) ? shownPath(path) : path;
    return {
      target: found?.name ?? warning.target,
      topic: 'build-check',
      // The finding has the line already.
      message: warning.text.replace(/ \(line \d+\)$/, ''),
      ...(file === undefined
        ? {}
        : { at: { file, ...(warning.line === undefined ? {} : { line: warning.line }) } }),
      ...(warning.url ? { url: warning.url } : {}),
    };
  });
  const caches = progress
    .steps()
    .filter(({ kind, error }) => /^cache-/.test(kind) && error !== undefined && !isNotThereYet(error))
    .map(
      ({ target, name, error }): BuildFinding => ({ target, topic: 'cache', message: `${name}: ${error}` }),
    );
  // Every target reports the lines that they share.
  const seen = new Set<string>();
  return [...checks, ...caches].filter((finding) => {
    const key = JSON.stringify([finding.message, finding.at]);
    return seen.has(key) ? false : seen.add(key);
  });
}

/** The build ran twice. @param why BuildKit's error of the first run. */
export function cacheLeftOut(why: string): BuildFinding {
  const message = `the build failed with the cache and ran again without it: ${why}`;
  return { target: '', topic: 'cache', message };
}

/** The image is not that of the tree whose digest was computed. */
export function lostTree(target: string): BuildFinding {
  const message = 'files changed during the build, so the next build cannot reuse this image';
  return { target, topic: 'lost-tree', message };
}
