import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type ActionFile, actionFiles } from '../../../scripts/action-files.ts';
import { type Command, commandsIn, keyValues } from './runner.ts';

const root = resolve(import.meta.dirname, '../../..');
const files = new Map(actionFiles(root).map((file) => [file.name, file]));

/** No step of these tests may take longer; one that does is a finding, not a reason to wait. */
const longestMs = 150_000;

export interface StepOptions {
  /** The workspace: where the step runs. Default: an empty folder. */
  readonly workspace?: string;
  readonly with?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The webhook's payload; a text is written as it is. */
  readonly event?: object | string;
  /** What other steps have written before. */
  readonly summary?: string;
}

/** A step of an action that has ended, and what the runner reads of it. */
export interface Step {
  /** null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Both, in the order they came. */
  readonly log: string;
  readonly outputs: Readonly<Record<string, string>>;
  readonly state: Readonly<Record<string, string>>;
  readonly summary: string;
  /** Workflow commands, as the runner finds them in the log. */
  readonly commands: readonly Command[];
  /** Since the signal, or since the start. */
  readonly ms: number;
}

export interface RunningStep {
  readonly pid: number;
  /** Resolves when the log holds it; rejects when the step has ended without. */
  said(text: string | RegExp): Promise<void>;
  signal(name: NodeJS.Signals): void;
  readonly ended: Promise<Step>;
}

/** Starts one phase of an action as GitHub's runner does: node, the file that action.yml names, and an environment. */
export function startStep(
  name: string,
  phase: 'main' | 'post',
  options: StepOptions = {},
  state: Readonly<Record<string, string>> = {},
): RunningStep {
  const file = files.get(name);
  const script = phase === 'main' ? file?.runs.main : file?.runs.post;
  if (file === undefined || script === undefined) throw new Error(`${name} has no ${phase}`);
  const temp = mkdtempSync(join(tmpdir(), 'sluice-step-'));
  const workspace = options.workspace ?? join(temp, 'workspace');
  if (options.workspace === undefined) mkdirSync(workspace);
  const paths = {
    GITHUB_OUTPUT: join(temp, 'set_output'),
    GITHUB_STATE: join(temp, 'save_state'),
    GITHUB_STEP_SUMMARY: join(temp, 'step_summary'),
    GITHUB_ENV: join(temp, 'set_env'),
    GITHUB_EVENT_PATH: join(temp, 'event.json'),
  };
  for (const path of Object.values(paths)) writeFileSync(path, '');
  writeFileSync(paths.GITHUB_STEP_SUMMARY, options.summary ?? '');
  const { event = {} } = options;
  writeFileSync(paths.GITHUB_EVENT_PATH, typeof event === 'string' ? event : JSON.stringify(event));
  const child = spawn(process.execPath, [join(root, file.folder, script)], {
    cwd: workspace,
    env: {
      ...{ PATH: process.env.PATH, HOME: process.env.HOME, CI: 'true', GITHUB_ACTIONS: 'true' },
      ...{ GITHUB_WORKSPACE: workspace, GITHUB_REPOSITORY: 'acme/bookreader', GITHUB_ACTOR: 'octocat' },
      ...{
        GITHUB_SERVER_URL: 'https://github.example',
        GITHUB_RUN_ID: '4711',
        GITHUB_SHA: headOf(workspace),
      },
      ...{ GITHUB_EVENT_NAME: 'push', RUNNER_NAME: 'runner-1', RUNNER_TEMP: temp },
      ...paths,
      ...inputsOf(file, options.with ?? {}),
      ...Object.fromEntries(Object.entries(state).map(([key, value]) => [`STATE_${key}`, value])),
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: longestMs,
    killSignal: 'SIGKILL',
  });
  const text = { stdout: '', stderr: '', log: '' };
  const waiting: { text: string | RegExp; resolve: () => void; reject: (reason: Error) => void }[] = [];
  let begun = performance.now();
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (chunk: string) => {
      text[stream] += chunk;
      text.log += chunk;
      for (const waiter of waiting) if (holds(text.log, waiter.text)) waiter.resolve();
    });
  }
  const ended = new Promise<Step>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      const read = (path: string) => readFileSync(path, 'utf8');
      const step = {
        ...{ code, ...text, ms: performance.now() - begun },
        outputs: keyValues(read(paths.GITHUB_OUTPUT)),
        state: { ...state, ...keyValues(read(paths.GITHUB_STATE)) },
        summary: read(paths.GITHUB_STEP_SUMMARY),
        commands: commandsIn(text.log),
      };
      rmSync(temp, { recursive: true, force: true });
      for (const waiter of waiting) waiter.reject(new Error(`ended before "${waiter.text}":\n${text.log}`));
      resolve(step);
    });
  });
  return {
    pid: child.pid ?? 0,
    said: (wanted) =>
      new Promise((resolve, reject) => {
        if (holds(text.log, wanted)) return resolve();
        waiting.push({ text: wanted, resolve, reject });
      }),
    signal: (signal) => {
      begun = performance.now();
      child.kill(signal);
    },
    ended,
  };
}

/** GitHub names the commit that is checked out, unless a workflow chooses another one. */
function headOf(workspace: string): string {
  const { status, stdout } = spawnSync('git', ['-C', workspace, 'rev-parse', 'HEAD'], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : sha;
}

const sha = '0123456789abcdef0123456789abcdef01234567';

export async function runStep(name: string, options: StepOptions = {}): Promise<Step> {
  return await startStep(name, 'main', options).ended;
}

/** Defaults of action.yml, what the workflow gives over them, names as the runner writes them. */
function inputsOf(file: ActionFile, given: Readonly<Record<string, string>>): Record<string, string> {
  const defaults = Object.entries(file.inputs).map(([name, input]) => [
    name,
    (input.default ?? '').replace('${{ github.token }}', ''),
  ]);
  const all = { ...Object.fromEntries(defaults), ...given } as Record<string, string>;
  return Object.fromEntries(
    Object.entries(all).map(([name, value]) => [`INPUT_${name.replaceAll(' ', '_').toUpperCase()}`, value]),
  );
}

function holds(log: string, wanted: string | RegExp): boolean {
  return typeof wanted === 'string' ? log.includes(wanted) : wanted.test(log);
}
