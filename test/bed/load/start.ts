import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { LoadOptions, LoadResult } from './model.ts';

/** Load that runs in a process of its own. */
export interface RunningLoad {
  /** The numbers so far. */
  snapshot(): Promise<LoadResult>;
  /** Begins to measure latencies and gaps anew; counts go on. */
  forgetTimes(): void;
  /** Sends nothing new, waits for the answers that are under way (seconds), and gives all numbers. */
  stop(): Promise<LoadResult>;
}

interface Line {
  readonly type: 'snapshot' | 'result';
  readonly result: LoadResult;
}

/**
 * Starts the load. It ends with this process, however that ends: the generator stops at the end of its stdin.
 * An event loop of its own: ours may be busy for milliseconds, and a client would mistake that for a gap.
 */
export function startLoad(options: LoadOptions): RunningLoad {
  const args = [
    ...options.urls.flatMap((url) => ['--url', url]),
    ...(options.rate === undefined ? [] : ['--rate', `${options.rate}`]),
    ...(options.webSockets === undefined ? [] : ['--sockets', `${options.webSockets}`]),
    ...(options.slowSeconds === undefined ? [] : ['--slow-seconds', `${options.slowSeconds}`]),
    ...(options.timeoutSeconds === undefined ? [] : ['--timeout-seconds', `${options.timeoutSeconds}`]),
    ...(options.withoutData === true ? ['--without-data'] : []),
    ...(options.withoutSlow === true ? ['--without-slow'] : []),
    ...(options.withoutPage === true ? ['--without-page'] : []),
  ];
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), '--control', ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    // A Ctrl-C is ours to handle: the numbers up to it are wanted too.
    detached: true,
  });
  child.stdin.on('error', () => {});
  const waiting: ((result: LoadResult) => void)[] = [];
  const ended = Promise.withResolvers<LoadResult>();
  ended.promise.catch(() => {});
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = JSON.parse(text) as Line;
    if (line.type === 'result') ended.resolve(line.result);
    else waiting.shift()?.(line.result);
  });
  child.on('error', ended.reject);
  child.on('close', (code) => ended.reject(new Error(`the load generator ended with exit code ${code}`)));

  return {
    snapshot: () => {
      const { promise, resolve } = Promise.withResolvers<LoadResult>();
      waiting.push(resolve);
      child.stdin.write('snapshot\n');
      return Promise.race([promise, ended.promise]);
    },
    forgetTimes: () => {
      child.stdin.write('forget times\n');
    },
    stop: () => {
      child.stdin.write('stop\n');
      return ended.promise;
    },
  };
}
