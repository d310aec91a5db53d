import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { DeployReport } from '../../../src/report/model.ts';
import { monotonic } from '../load/clock.ts';

const program = join(import.meta.dirname, '../../../bin/sluice');

/** One line of what the CLI logs with --json. */
export interface CliLine {
  readonly level: 'info' | 'warn' | 'error' | 'detail' | 'foreign' | 'step';
  readonly message: string;
  readonly step?: string;
  readonly outcome?: 'done' | 'failed';
  readonly ms?: number;
  readonly summary?: string;
}

export interface CliRun {
  /** null when a signal ended it. */
  readonly code: number | null;
  /** Of the monotonic clock. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** `startedAt` on the wall clock, which the report's times are of. */
  readonly startedWall: number;
  readonly lines: readonly CliLine[];
  /** Absent when the run ended without one. */
  readonly report: DeployReport | undefined;
  /** Path of the HTML report. */
  readonly html: string | undefined;
  /** What came to stdout: JSON, unless something went wrong. */
  readonly stdout: string;
  /** Largest resident memory of the process, in bytes. */
  readonly peakMemory: number;
}

export interface CliOptions {
  readonly folder: string;
  /** Private key to log in with; a build needs none. */
  readonly key?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly onLine?: (line: CliLine) => void;
  /** Sends SIGKILL as soon as it returns true. */
  readonly killAt?: (line: CliLine) => boolean;
}

/** Runs `bin/sluice … --json` as a process of its own, as a CI job would. */
export async function sluice(args: readonly string[], options: CliOptions): Promise<CliRun> {
  const startedAt = monotonic();
  const startedWall = Date.now();
  const child = spawn(process.execPath, [program, ...args, '--json'], {
    cwd: options.folder,
    env: { ...surroundings(), SLUICE_SSH_KEY_FILE: options.key, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const memory = watchMemory(child.pid);
  const lines: CliLine[] = [];
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  createInterface({ input: child.stderr }).on('line', (text) => {
    const line = parseLine(text);
    lines.push(line);
    options.onLine?.(line);
    if (options.killAt?.(line)) child.kill('SIGKILL');
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  const endedAt = monotonic();
  const peakMemory = memory();
  return { code, startedAt, endedAt, startedWall, lines, stdout, peakMemory, ...result(stdout) };
}

/** The caller's own CI must not leak into what the demo shows, and neither may its ssh-agent. */
function surroundings(): Record<string, string | undefined> {
  const entries = Object.entries(process.env).filter(
    ([name]) => !/^(GITHUB_|RUNNER_|SLUICE_|CI$|SSH_|NODE_OPTIONS$)/.test(name),
  );
  return Object.fromEntries(entries);
}

function parseLine(text: string): CliLine {
  try {
    return JSON.parse(text) as CliLine;
  } catch {
    // Node's own warnings, or a crash: shown as it came.
    return { level: 'error', message: text };
  }
}

function result(stdout: string): Pick<CliRun, 'report' | 'html'> {
  try {
    const answer = JSON.parse(stdout) as { report?: DeployReport; files?: { html?: string } };
    return { report: answer.report, html: answer.files?.html };
  } catch {
    return { report: undefined, html: undefined };
  }
}

/** The kernel keeps a process's peak; it has to be read before the process ends. */
function watchMemory(pid: number | undefined): () => number {
  let peak = 0;
  const look = () => {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      peak = Math.max(peak, Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024);
    } catch {
      // It has ended.
    }
  };
  const timer = setInterval(look, 100);
  return () => {
    clearInterval(timer);
    return peak;
  };
}
