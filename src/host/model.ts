import type { Duplex, Readable } from 'node:stream';
import type Docker from 'dockerode';
import type { HostConfig } from '../config/model.ts';

export interface RunOptions {
  /** The command's name in messages, such as `the backup`; default: the program, or `a script`. */
  readonly what?: string;
  /** Counted from sending the command; then it is ended on the host, with all its processes. */
  readonly timeoutMs?: number;
  /** On abort the command is ended on the host, with all its processes. */
  readonly signal?: AbortSignal;
  /** Called with each full line as it comes. */
  readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void;
  /** Bytes of stdout and of stderr that the result holds, counted from the end; default 1 MiB. */
  readonly maxOutput?: number;
}

export interface ScriptOptions extends RunOptions {
  /** Positional parameters $1, $2, …; never secret: the programs a script starts show theirs to anyone on the host. */
  readonly args?: readonly string[];
}

export interface ExecOptions extends RunOptions {
  readonly stdin?: string | Buffer | Readable;
}

export interface ScriptResult {
  /** 128 + the signal's number if a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The output exceeded `maxOutput`: its beginning is missing. */
  readonly truncated?: boolean;
}

/** A program that stays open on the host: lines in, lines out. It sees end-of-file when the connection dies. */
export interface HostDialogue {
  /** Sends one line and resolves with the next line of the answer. */
  ask(line: string): Promise<string>;
  /** The answer to the greeting; empty without one. */
  readonly greeted: Promise<string>;
  /** Resolves when the remote program has ended. */
  readonly closed: Promise<void>;
  close(): Promise<void>;
}

/** One server, over one SSH connection. All channels of a host share it; at most eight are open at once. */
export interface Host extends AsyncDisposable {
  readonly name: string;
  readonly config: HostConfig;
  /** Runs a POSIX sh script that travels on stdin, so that it may hold secrets and any text. */
  script(text: string, options?: ScriptOptions): Promise<ScriptResult>;
  /** Runs one program with arguments (quoted for the remote shell here); its stdin is data. */
  exec(argv: readonly [string, ...string[]], options?: ExecOptions): Promise<ScriptResult>;
  /**
   * Starts a line-based program and keeps it. It takes one of the eight channels until it ends.
   * @param greeting its first line of input, sent along with the start.
   */
  dialogue(argv: readonly [string, ...string[]], greeting?: string): Promise<HostDialogue>;
  /** The host's Docker engine, through the same connection. */
  readonly engine: Docker;
  /** A connection to a unix socket on the host (the edge's admin socket). */
  unixSocket(path: string): Promise<Duplex>;
  /** A TCP connection made from the host (a container's address). */
  tcp(address: string, port: number): Promise<Duplex>;
  /**
   * Aborts when the connection is lost (not when it is closed); its reason is a UserError `host.connection-lost`,
   * with which every operation in flight fails, too.
   */
  readonly lost: AbortSignal;
  /** Bytes sent and received so far, for the report. */
  counts(): { readonly execs: number; readonly forwards: number };
  close(): Promise<void>;
}
