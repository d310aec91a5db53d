import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { systemClock } from '../../kernel/clock.ts';
import { messageOf, UserError } from '../../kernel/errors.ts';
import { retry } from '../../kernel/retry.ts';

export interface DownloadLimits {
  /** How often it is tried when the server or the network fails. */
  readonly tries: number;
  /** Before the second try; twice as long before each further one. */
  readonly pauseMs: number;
  /** A transfer of which nothing came for so long is given up. */
  readonly stallMs: number;
  readonly maxBytes: number;
}

export const usualLimits: DownloadLimits = {
  tries: 3,
  pauseMs: 1000,
  stallMs: 30_000,
  maxBytes: 400 * 1024 * 1024,
};

/** That trying again may mend. */
class Passing extends Error {}

/**
 * Fetches `url` into `file`, which appears only once it is whole and has the hash. A wrong hash is tried once more: a proxy
 * may have cut the file off.
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
    // Of its own, so that two runs at once do not write into one file.
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

/** @returns undefined when there is no such file. */
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
        attempt < limits.tries && error instanceof Passing ? limits.pauseMs * 2 ** (attempt - 1) : undefined,
    });
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof Passing
      ? failed(url, `${error.message} (tried ${limits.tries} times)`, error)
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
  const stall = () => stalled.abort(new Passing(`nothing came for ${limits.stallMs / 1000} s`));
  const timer = setTimeout(stall, limits.stallMs);
  try {
    // Without a login, and the hash decides: releases are kept on other hosts.
    const response = await fetch(url, {
      redirect: 'follow',
      signal: AbortSignal.any([signal, stalled.signal]),
    });
    if (response.status >= 500 || response.status === 429 || response.status === 408) {
      await response.body?.cancel();
      throw new Passing(`the server answered ${response.status}`);
    }
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      throw failed(url, `the server answered ${response.status}`);
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
    if (error instanceof UserError || error instanceof Passing) throw error;
    if (stalled.signal.aborted) throw stalled.signal.reason;
    throw new Passing(reasonOf(error), { cause: error });
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
    message: `${url} cannot be fetched: ${why}`,
    hint: 'Install the tool on PATH, or name a mirror of https://github.com in SLUICE_TOOLS_MIRROR.',
    cause,
  });
}

function wrongHash(url: string, expected: string, actual: string | undefined): UserError {
  return new UserError({
    code: 'checks.tool-hash',
    message: `${url} has the sha256 ${actual}, not ${expected}, which it is locked to`,
    hint: 'Do not run that file. Is there a proxy or a mirror that alters it? Tell the project if it comes from GitHub itself.',
  });
}
