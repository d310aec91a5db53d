import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { headline } from '../../../src/report/headline.ts';
import type { DeployReport } from '../../../src/report/model.ts';

const program = join(import.meta.dirname, '../../../bin/sluice');

/** No command of these tests may take longer; one that does is a finding, not a reason to wait. */
const longestMs = 150_000;

/** One line of what the CLI logs with --json. */
export interface CliLine {
  readonly level: string;
  readonly message: string;
  readonly step?: string;
  readonly outcome?: 'done' | 'failed';
}

/** A command that has ended. */
export interface CliRun {
  /** null when a signal ended it. */
  readonly code: number | null;
  readonly lines: readonly CliLine[];
  readonly stdout: string;
  readonly report: DeployReport | undefined;
  /** Codes of the errors: of the report, or of a run that did not get as far. */
  readonly errors: readonly { readonly code: string; readonly message: string }[];
  /** First line of the summary; empty without a report. */
  readonly headline: string;
}

/** A command that runs, as a process of its own. */
export interface Running {
  readonly pid: number;
  readonly lines: readonly CliLine[];
  /** Resolves when the step has ended well; rejects when the command ended before. */
  after(step: string): Promise<void>;
  signal(name: NodeJS.Signals): void;
  readonly ended: Promise<CliRun>;
}

export interface CliOptions {
  readonly folder: string;
  /** Private key to log in with. */
  readonly key: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts `bin/sluice … --json`, as a CI job would. */
export function startCli(args: readonly string[], options: CliOptions): Running {
  const child = spawn(process.execPath, [program, ...args, '--json'], {
    cwd: options.folder,
    env: { ...surroundings(), SLUICE_SSH_KEY_FILE: options.key, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: longestMs,
    killSignal: 'SIGKILL',
  });
  const lines: CliLine[] = [];
  const waiting: { step: string; resolve: () => void; reject: (reason: Error) => void }[] = [];
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  createInterface({ input: child.stderr }).on('line', (text) => {
    const line = parseLine(text);
    lines.push(line);
    if (line.outcome !== 'done') return;
    for (const waiter of waiting) if (waiter.step === line.step) waiter.resolve();
  });
  const ended = new Promise<CliRun>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      const run = { code, lines, stdout, ...parseResult(stdout) };
      for (const waiter of waiting) waiter.reject(new Error(`ended before "${waiter.step}":\n${story(run)}`));
      resolve(run);
    });
  });
  return {
    pid: child.pid ?? 0,
    lines,
    after: (step) =>
      new Promise((resolve, reject) => {
        if (lines.some((line) => line.step === step && line.outcome === 'done')) return resolve();
        waiting.push({ step, resolve, reject });
      }),
    signal: (name) => void child.kill(name),
    ended,
  };
}

/** What a run said, for the message of a failed expectation. */
export function story(run: Pick<CliRun, 'code' | 'lines' | 'stdout'>): string {
  const said = run.lines.map((line) => `  ${line.level}: ${line.message}`).join('\n');
  return `exit code ${run.code}\n${said}\n${run.stdout.slice(0, 1500)}`;
}

/** Waits until something holds. @throws Error that names it when it does not within the time. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  seconds = 30,
): Promise<void> {
  const deadline = performance.now() + seconds * 1000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`after ${seconds} s still not: ${what}`);
    await sleep(20);
  }
}

/** The caller's own CI and ssh-agent must not leak into what is tested. */
function surroundings(): Record<string, string | undefined> {
  const foreign = /^(GITHUB_|RUNNER_|SLUICE_|CI$|SSH_|NODE_OPTIONS$|VITEST|NODE_ENV$)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
}

function parseLine(text: string): CliLine {
  try {
    return JSON.parse(text) as CliLine;
  } catch {
    // Node's own warnings, or a crash: shown as it came.
    return { level: 'raw', message: text };
  }
}

function parseResult(stdout: string): Pick<CliRun, 'report' | 'errors' | 'headline'> {
  try {
    const answer = JSON.parse(stdout) as { report?: DeployReport; errors?: CliRun['errors'] };
    const { report } = answer;
    const errors = answer.errors ?? (report?.error === undefined ? [] : [report.error]);
    return { report, errors, headline: report === undefined ? '' : headline(report) };
  } catch {
    return { report: undefined, errors: [], headline: '' };
  }
}
