import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { systemClock } from '../../kernel/clock.ts';
import { messageOf, UserError } from '../../kernel/errors.ts';
import { retry } from '../../kernel/retry.ts';

export interface DownloadLimits {
  /** Attempts if the server or the network fails. */
  readonly tries: number;
  /** Before the second attempt; doubled before each further one. */
  readonly pauseMs: number;
  /** A transfer without data for so long fails. */
  readonly stallMs: number;
  readonly maxBytes: number;
}

const usualLimits: DownloadLimits = {
  tries: 3,
  pauseMs: 1000,
  stallMs: 30_000,
  maxBytes: 400 * 1024 * 1024,
};

/** Failures that a retry may fix. */
class Temporary extends Error {}

/**
 * Fetches `url` into `file`, which appears only once it is complete and has the hash. A wrong hash is retried once: a proxy
 * may have truncated the file.
 *
 * @throws UserError `checks.tool-fetch`, `checks.tool-hash`; the signal's reason.
 */
export async function download(
  url: string,
  file: string,
  sha256: string,
  signal: AbortSignal,
  limits: DownloadLimits = usualLimits,
): Promise<void> {
  for (let hashFailures = 0; ; hashFailures += 1) {
    // A unique name, since concurrent runs must not write to the same file.
    const part = `${file}.${process.pid}-${crypto.randomUUID().slice(0, 8)}`;
    try {
      await transfer(url, part, signal, limits);
      const actual = await sha256Of(part);
      if (actual === sha256) return await rename(part, file);
      if (hashFailures > 0) throw wrongHash(url, sha256, actual);
    } finally {
      await rm(part, { force: true });
    }
  }
}

/** @returns undefined if the file does not exist. */
export async function sha256Of(file: string): Promise<string | undefined> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 })) hash.update(chunk);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return hash.digest('hex');
}

async function transfer(
  url: string,
  file: string,
  signal: AbortSignal,
  limits: DownloadLimits,
): Promise<void> {
  try {
    await retry(() => transferOnce(url, file, signal, limits), {
      clock: systemClock,
      signal,
      pauseMs: (error, attempt) =>
        attempt < limits.tries && error instanceof Temporary
          ? limits.pauseMs * 2 ** (attempt - 1)
          : undefined,
    });
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof Temporary
      ? failed(url, `${error.message} (${limits.tries} attempts)`, error)
      : error;
  }
}

async function transferOnce(
  url: string,
  file: string,
  signal: AbortSignal,
  limits: DownloadLimits,
): Promise<void> {
  const stalled = new AbortController();
  const stall = () => stalled.abort(new Temporary(`no data for ${limits.stallMs / 1000} s`));
  const timer = setTimeout(stall, limits.stallMs);
  try {
    // Releases redirect to other hosts: there is no login that could leak, and the hash is verified.
    const response = await fetch(url, {
      redirect: 'follow',
      signal: AbortSignal.any([signal, stalled.signal]),
    });
    if (response.status >= 500 || response.status === 429 || response.status === 408) {
      await response.body?.cancel();
      throw new Temporary(`HTTP status ${response.status}`);
    }
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      throw failed(url, `HTTP status ${response.status}`);
    }
    let bytes = 0;
    const counted = async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        timer.refresh();
        bytes += chunk.length;
        if (bytes > limits.maxBytes) throw failed(url, `it is larger than ${limits.maxBytes} bytes`);
        yield chunk;
      }
    };
    await pipeline(Readable.fromWeb(response.body), counted, createWriteStream(file));
  } catch (error) {
    if (error instanceof UserError || error instanceof Temporary) throw error;
    if (stalled.signal.aborted) throw stalled.signal.reason;
    throw new Temporary(reasonOf(error), { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** fetch() hides the reason in `cause`. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined ? messageOf(error) : `${messageOf(error)}: ${messageOf(cause)}`;
}

function failed(url: string, why: string, cause?: unknown): UserError {
  return new UserError({
    code: 'checks.tool-fetch',
    message: `Cannot download ${url}: ${why}`,
    hint: 'Install the tool on PATH, or set SLUICE_TOOLS_MIRROR to a mirror of https://github.com.',
    cause,
  });
}

function wrongHash(url: string, expected: string, actual: string | undefined): UserError {
  return new UserError({
    code: 'checks.tool-hash',
    message: `${url} has sha256 ${actual}, expected ${expected}`,
    hint: 'Do not run that file. Check for a proxy or a mirror that modifies it. If it comes from GitHub itself, report it to the project.',
  });
}
