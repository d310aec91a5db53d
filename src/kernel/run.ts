import { fstatSync } from 'node:fs';
import { cancellation } from './cancel.ts';
import { type Clock, systemClock } from './clock.ts';
import { errorData, formatPlace, type UserError, userErrorsOf } from './errors.ts';
import { breakCommands, breakCommandsInJson } from './foreign.ts';
import { createLog, type Log, type LogMode, quietLog } from './log.ts';
import { createMask, type Mask } from './masking/mask.ts';
import { proxyPasswords } from './process/child-env.ts';

/** The effects of every command and action: built here once, passed in everywhere. */
export interface Effects {
  readonly log: Log;
  readonly clock: Clock;
  readonly mask: Mask;
  /** Aborts on SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Prints a result, the only output on stdout. Secrets are masked here, too. */
  readonly print: (text: string) => void;
}

export interface RunOptions {
  /** Default: that of the process. */
  readonly env?: Effects['env'];
  readonly json: boolean;
  readonly verbose: boolean;
  /** Logs only warnings and errors. */
  readonly quiet?: boolean;
  /** `false`: --no-color. */
  readonly color?: boolean;
}

export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  review: 3,
  notRun: 4,
  bug: 70,
  cancelled: 130,
} as const;

/** For the help and the documentation. */
export const exitMeanings: readonly (readonly [code: number, meaning: string])[] = [
  [exitCodes.ok, 'Done, or there was nothing to do'],
  [exitCodes.failed, 'Failed; a deploy that fails is reverted'],
  [exitCodes.usage, 'Wrong arguments or configuration; nothing was changed'],
  [exitCodes.review, 'Only findings that need a review (sluice check)'],
  [exitCodes.notRun, 'A check did not run, so there is no verdict (sluice check)'],
  [exitCodes.bug, 'A bug in Sluice; please report it'],
  [exitCodes.cancelled, 'Cancelled (Ctrl-C, SIGTERM); a deploy is reverted'],
];

/**
 * Whether a stream gets colors: --no-color, then FORCE_COLOR, NO_COLOR and TERM=dumb, in the order of Node's own
 * `getColorDepth`; otherwise only on a terminal.
 */
export function usesColor(
  stream: Pick<NodeJS.WriteStream, 'isTTY'>,
  env: Effects['env'],
  { json, color }: Pick<RunOptions, 'json' | 'color'>,
): boolean {
  if (json || color === false) return false;
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  return stream.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
}

/**
 * Wraps every command and action: effects in, exit code out. An error ends as a message: a user's error without a
 * stack, a bug of ours with one.
 *
 * @param main returns the exit code.
 */
export async function run(options: RunOptions, main: (effects: Effects) => Promise<number>): Promise<number> {
  using cancel = cancellation();
  const { env = process.env } = options;
  const inGitHub = env.GITHUB_ACTIONS === 'true';
  // A reader that goes away (`| head`, a closed terminal) must not end a deploy partway.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  // On stderr, which the runner reads too: stdout may be redirected to a file. If stderr is a file, the command would only
  // write the secret into it.
  const isRead = inGitHub && !isFile(process.stderr.fd);
  const mask = createMask((value) => {
    // One line each, escaped for the runner, which itself adds encoded forms (HostContext.cs).
    if (isRead) process.stderr.write(`::add-mask::${value.replaceAll('%', '%25')}\n`);
  });
  for (const password of proxyPasswords(env)) mask.add(password);
  const log = createLog({
    mode: modeOf(options, env),
    verbose: options.verbose,
    colour: usesColor(process.stderr, env, options),
    clock: systemClock,
    mask,
    folds: inGitHub,
    write: (text) => process.stderr.write(text),
  });
  const disarm = options.json ? breakCommandsInJson : inGitHub ? breakCommands : (text: string) => text;
  const clean = options.json ? (text: string) => scrubJson(text, mask) : mask.scrub;
  const print = (text: string) => void process.stdout.write(`${disarm(clean(text))}\n`);
  try {
    const shown = options.quiet === true ? quietLog(log) : log;
    return await main({ log: shown, clock: systemClock, mask, signal: cancel.signal, env, print });
  } catch (error) {
    return report(error, log, options.json ? print : undefined);
  }
}

function isFile(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isFile();
  } catch {
    return false;
  }
}

/** Scrubs each string value: replacing in the JSON text could remove a number or a quote. */
function scrubJson(text: string, mask: Mask): string {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    // A sentence of a command without structured output.
    return mask.scrub(text);
  }
  return JSON.stringify(mask.scrubData(data));
}

/**
 * Await it before `process.exit`, which drops buffered output: a pipe takes 64 KiB at once. It also resolves when the reader
 * has gone away.
 */
export async function allWritten(): Promise<void> {
  const written = (stream: NodeJS.WriteStream) =>
    new Promise<void>((resolve) => {
      stream.once('error', () => resolve());
      stream.write('', () => resolve());
    });
  await Promise.all([process.stdout, process.stderr].map(written));
}

function modeOf(options: RunOptions, env: Effects['env']): LogMode {
  if (options.json) return 'json';
  return process.stderr.isTTY === true && !env.CI ? 'terminal' : 'plain';
}

/** Codes of errors in arguments and settings. */
const wrong =
  /^(?:(?:config|usage|input|env|compose)\.|checks\.(?:unknown|since|baseline|repository)$|cdn\.none$)/;

function report(error: unknown, log: Log, printJson: ((text: string) => void) | undefined): number {
  const known = userErrorsOf(error);
  printJson?.(
    JSON.stringify({ ok: false, errors: known.length > 0 ? known.map(errorData) : [bugData(error)] }),
  );
  if (known.length === 0) {
    log.error(
      `This is a bug in Sluice, please report it: ${error instanceof Error ? error.stack : String(error)}`,
    );
    return exitCodes.bug;
  }
  for (const userError of known) showError(userError, log);
  if (known.some((userError) => userError.code === 'cancelled')) return exitCodes.cancelled;
  const wrongInput = known.every((userError) => wrong.test(userError.code));
  return wrongInput ? exitCodes.usage : exitCodes.failed;
}

/** The place, the message, the code to look up, the output that proves it, and the fix. */
export function showError(error: UserError, log: Log): void {
  const place = error.at === undefined ? '' : `${formatPlace(error.at)} `;
  log.error(`${place}${error.message} [${error.code}]`);
  if (error.output) log.foreign(error.output);
  if (error.hint) log.info(`  → ${error.hint.replaceAll('\n', '\n    ')}`);
}

function bugData(error: unknown) {
  return { code: 'bug', message: error instanceof Error ? error.message : String(error) };
}
