import type { Duplex } from 'node:stream';
import type { Host } from '../../host/model.ts';
export type EdgeColour = 'blue' | 'green';

/** Limits at which the guard reverts, besides the deadline and a color without healthy replicas. */
export interface SwitchLimits {
  /** Largest share of 5xx answers, 0-1, over the whole watch and over its last five seconds. */
  readonly max5xx?: number;
  /** 5xx answers before the share counts; default 5. */
  readonly min5xx?: number;
  /** At most 5 % of the answers may take longer than this; judged from the second second on, with ≥ 20 answers. */
  readonly maxP95Ms?: number;
  /** Slow answers before their share counts; default 5. */
  readonly minSlow?: number;
}

/** One switch; the same order again is harmless. */
export interface SwitchOrder {
  readonly from: EdgeColour;
  readonly to: EdgeColour;
  /** Unique id of the switch, for its confirmation: letters, digits and `-`. */
  readonly nonce: string;
  /** The guard reverts a switch that is not confirmed by then. */
  readonly deadlineSeconds: number;
  readonly limits?: SwitchLimits;
}

export interface EdgeServer {
  /** Slot, `r1`… */
  readonly name: string;
  readonly addr: string;
  readonly port: string;
  /** In HAProxy's words: `UP`, `UP 1/3` (going down), `DOWN`… */
  readonly status: string;
  /** Result of the last health check: `L7OK`, `L4CON`, `L7STS`…; empty before the first. */
  readonly check: string;
  readonly current: number;
}

export interface EdgeColourStatus {
  /** Replicas that are healthy on every port of the service. */
  readonly up: number;
  readonly servers: readonly EdgeServer[];
  /** Requests and tunnels (WebSockets) in flight; zero means drained. */
  readonly current: number;
  /** Since the edge started. */
  readonly requests: number;
  /** Finished requests since the edge started: `2xx`, `5xx`… */
  readonly status: Readonly<Record<string, number>>;
}

export type SwitchReason =
  | 'asked'
  | 'errors'
  | 'latency'
  | 'down'
  | 'deadline'
  /** The map was changed without the guard. */
  | 'by-hand'
  | 'guard-failed';

export interface EdgeStatus {
  readonly version: string;
  readonly service: string;
  readonly active: EdgeColour;
  /** Color in active.map, which the edge serves after a restart; null: the file is unreadable. */
  readonly persisted: EdgeColour | null;
  /** Seconds since this HAProxy process started. */
  readonly uptime: number;
  /** Requests that wait for a replica. */
  readonly held: number;
  /** Client connections, idle ones included; above `max` requests get a 503. Absent in older edges. */
  readonly connections?: { readonly current: number; readonly max: number };
  readonly armed: {
    readonly nonce: string;
    readonly from: EdgeColour;
    readonly to: EdgeColour;
    /** Unix seconds. */
    readonly armedAt: number;
    readonly deadlineIn: number;
    readonly limits: string;
    /** Reason for a revert that is impossible, because the old color has no replica that is up. */
    readonly stuck: string | null;
  } | null;
  /** The switch that ended last, since this process started. */
  readonly last: {
    readonly nonce: string;
    readonly from: EdgeColour;
    readonly to: EdgeColour;
    readonly outcome: 'confirmed' | 'reverted';
    readonly reason: SwitchReason;
    readonly detail: string;
    /** Unix seconds. */
    readonly at: number;
  } | null;
  readonly colours: Readonly<Record<EdgeColour, EdgeColourStatus>>;
  /** Answers of the new color from the switch to its end; of the last switch when none is armed. */
  readonly watch: {
    /** null before the first switch. */
    readonly colour: EdgeColour | null;
    readonly requests: number;
    readonly errors5xx: number;
    readonly slow: number;
    /** At most 10 % too high; absent before the first answer. */
    readonly p95Ms?: number;
    readonly seconds: number;
  };
}

/** The guard's `refused: …`, or an invalid answer. */
export class EdgeRefused extends Error {
  readonly command: string;
  readonly answer: string;

  constructor(command: string, answer: string) {
    super(`the edge refused "${command}": ${answer}`);
    this.name = 'EdgeRefused';
    this.command = command;
    this.answer = answer;
  }
}

/** Commands of the runtime API as text. They throw a RangeError for an argument that can inject another command. */
export function switchCommand(order: SwitchOrder): string {
  const { from, to, nonce, deadlineSeconds } = order;
  if (from === to) throw new RangeError(`cannot switch from ${from} to ${to}`);
  if (!(deadlineSeconds > 0 && deadlineSeconds <= 86_400))
    throw new RangeError(`deadline of ${deadlineSeconds} s is not between 0 and 86400 s`);
  const words = [colour(from), colour(to), checkedNonce(nonce), decimal(deadlineSeconds)];
  return ['sluice switch', ...words, limitsText(order.limits ?? {})].join(' ');
}

export function confirmCommand(nonce: string): string {
  return `sluice confirm ${checkedNonce(nonce)}`;
}

/** The reason is for people. Characters with a meaning in the runtime API are replaced. */
export function revertCommand(nonce: string, reason = ''): string {
  const words = reason
    .replace(/[^\w.,:%()/@-]+/g, ' ')
    .trim()
    .slice(0, 200);
  return `sluice revert ${checkedNonce(nonce)}${words === '' ? '' : ` ${words}`}`;
}

/** The edge uses `addresses` until DNS lists some for the color. An empty list removes earlier ones. */
export function serversCommand(of: EdgeColour, addresses?: readonly string[]): string {
  const bad = addresses?.find((address) => !/^[0-9A-Fa-f.:]+$/.test(address));
  if (bad !== undefined) throw new RangeError(`${JSON.stringify(bad)} is not an address`);
  const list = addresses === undefined ? '' : ` ${addresses.join(',') || '-'}`;
  return `sluice servers ${colour(of)}${list}`;
}

const statusCommand = 'sluice status';

function colour(text: EdgeColour): EdgeColour {
  if (text !== 'blue' && text !== 'green') throw new RangeError(`${JSON.stringify(text)} is not a color`);
  return text;
}

function checkedNonce(nonce: string): string {
  if (!/^[A-Za-z0-9-]{1,64}$/.test(nonce)) throw new RangeError(`${JSON.stringify(nonce)} is not a nonce`);
  return nonce;
}

function decimal(value: number): string {
  return value.toFixed(3).replace(/\.?0+$/, '');
}

function limitsText(limits: SwitchLimits): string {
  const parts: string[] = [];
  const { max5xx, min5xx, maxP95Ms, minSlow } = limits;
  if (max5xx !== undefined) {
    if (!(max5xx >= 0 && max5xx <= 1)) throw new RangeError(`max5xx of ${max5xx} is not between 0 and 1`);
    parts.push(`max-5xx=${decimal(max5xx * 100)}%`);
  }
  for (const [name, value, unit] of [
    ['min-5xx', min5xx, ''],
    ['max-p95', maxP95Ms, 'ms'],
    ['min-slow', minSlow, ''],
  ] as const) {
    if (value === undefined) continue;
    if (!(value >= 1 && value <= 1e9)) throw new RangeError(`${name} of ${value} is not between 1 and 1e9`);
    parts.push(`${name}=${decimal(value)}${unit}`);
  }
  return parts.join(',') || '-';
}

/**
 * Reads the answer to `sluice status`.
 * @throws EdgeRefused for any other answer.
 */
export function parseStatus(text: string): EdgeStatus {
  try {
    const status = JSON.parse(text) as EdgeStatus;
    if (isColour(status.active) && isColour(status.armed?.to ?? 'blue') && status.colours.blue.up >= 0)
      return status;
  } catch {
    // The answer itself is the better message.
  }
  throw new EdgeRefused(statusCommand, text.trim().slice(0, 500));
}

function isColour(value: unknown): value is EdgeColour {
  return value === 'blue' || value === 'green';
}

/** The guard behind one admin socket. Every method but `status` resolves with the guard's sentence. */
export interface GuardClient {
  status(): Promise<EdgeStatus>;
  switch(order: SwitchOrder): Promise<string>;
  confirm(nonce: string): Promise<string>;
  revert(nonce: string, reason?: string): Promise<string>;
  servers(of: EdgeColour, addresses?: readonly string[]): Promise<string>;
  /** The edge writes {@link drainedFile} once an inactive color has nothing in flight. */
  drain(of: EdgeColour): Promise<string>;
}

/** In the edge's run folder. */
export function drainedFile(colour: EdgeColour): string {
  return `drained-${colour}`;
}

/**
 * @param send sends one line over a new connection to the admin socket, and resolves with everything until it closes. Its
 * rejections pass through. A refusal rejects with {@link EdgeRefused}.
 */
export function guardClient(send: (command: string) => Promise<string>): GuardClient {
  const run = async (command: string): Promise<string> => {
    const answer = (await send(command)).trim();
    if (!answer.startsWith('ok: ')) throw new EdgeRefused(command, answer.replace(/^refused: /, ''));
    return answer.slice('ok: '.length);
  };
  return {
    status: async () => parseStatus(await send(statusCommand)),
    switch: async (order) => run(switchCommand(order)),
    confirm: async (nonce) => run(confirmCommand(nonce)),
    revert: async (nonce, reason) => run(revertCommand(nonce, reason)),
    servers: async (of, addresses) => run(serversCommand(of, addresses)),
    drain: async (of) => run(`sluice drain ${of}`),
  };
}

/** The admin socket answers within milliseconds, so a silent edge is dead. */
const answerMs = 5_000;
/** HAProxy closes an idle connection after 10 s (`stats timeout`). */
const spareMs = 5_000;
/** Answer of a process that was replaced after the connection was made, see commands.lua. */
const replaced = 'refused: this process is ending';

/**
 * Sends commands. HAProxy closes the connection after each answer, so its end is the answer's end.
 *
 * @param options with `ahead`, the next connection is opened in advance, and a command costs one round trip instead of two.
 */
export function sendTo(
  host: Pick<Host, 'unixSocket'>,
  socket: string,
  options: { readonly ahead?: boolean } = {},
): (command: string) => Promise<string> {
  let spare: { readonly opening: Promise<Duplex>; readonly openedAt: number } | undefined;
  const takeSpare = async (): Promise<Duplex | undefined> => {
    const taken = spare;
    spare = undefined;
    if (taken === undefined) return undefined;
    const stream = await taken.opening.catch(() => undefined);
    if (stream?.destroyed === false && performance.now() - taken.openedAt <= spareMs) return stream;
    stream?.destroy();
    return undefined;
  };
  return async (command) => {
    const waiting = await takeSpare();
    const stream = waiting ?? (await host.unixSocket(socket));
    if (options.ahead === true && spare === undefined) {
      spare = { opening: host.unixSocket(socket), openedAt: performance.now() };
      // The next command reports an edge that is gone.
      spare.opening.then((opened) => opened.on('error', () => {})).catch(() => {});
    }
    const answer = await ask(stream, socket, command);
    // An edge that ended before it read the command gives an empty answer.
    const stale = waiting !== undefined && (answer === '' || answer.startsWith(replaced));
    return stale ? await ask(await host.unixSocket(socket), socket, command) : answer;
  };
}

function ask(stream: Duplex, socket: string, command: string): Promise<string> {
  let timer: NodeJS.Timeout;
  return new Promise<string>((resolve, reject) => {
    const chunks: Buffer[] = [];
    timer = setTimeout(() => {
      stream.destroy();
      reject(new Error(`${socket} did not answer "${command.split(' ').slice(0, 2).join(' ')}"`));
    }, answerMs);
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    stream.on('error', reject);
    stream.end(`${command}\n`);
  }).finally(() => clearTimeout(timer));
}
