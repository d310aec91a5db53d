import { spawn } from 'node:child_process';
import {
  closeSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RequestCounts } from '../../../src/cdn/model.ts';
import { noRequests } from '../../../src/cdn/store.ts';
import { type Relay, startRelay } from '../../bed/relay.ts';
import { end, freePort, makeBucket, programPath, untilAnswers } from '../../support/cdn/stores/server.ts';

/** A versitygw that tells what was asked of it. It keeps connections alive and checks signatures, as S3 does. */
export interface BenchServer {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
  /** @returns the folder in which the files of the bucket lie. */
  makeBucket(name: string): Promise<string>;
  removeBucket(name: string): void;
  /** Requests since the last call. */
  requests(): RequestCounts;
  /** Time on the processors so far, ms. */
  cpu(): number;
  stop(): Promise<void>;
}

/** What versitygw calls requests, by what Sluice counts them as. */
const kinds: Readonly<Record<string, keyof RequestCounts>> = {
  GetObject: 'get',
  HeadObject: 'head',
  HeadBucket: 'head',
  PutObject: 'put',
  UploadPart: 'put',
  CreateBucket: 'put',
  CopyObject: 'copy',
  DeleteObject: 'delete',
  ListObjects: 'list',
  ListObjectsV2: 'list',
  DeleteObjects: 'post',
  CreateMultipartUpload: 'post',
  CompleteMultipartUpload: 'post',
};

/** @param latency of a round trip, ms; 0: nothing lies between. */
export async function startBenchServer(latency: number): Promise<BenchServer> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-s3-'));
  const [data, log] = [join(folder, 'data'), join(folder, 'log')];
  mkdirSync(data);
  const port = await freePort();
  const address = {
    name: 'versitygw',
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    accessKeyId: 'AKIABENCHEXAMPLE',
    secretAccessKey: 'versity-secret-of-the-bench',
  };
  const args = ['--port', `127.0.0.1:${port}`, '--keep-alive', '--quiet', '--access-log', log, 'posix', data];
  const child = spawn(programPath('versitygw'), args, {
    stdio: 'ignore',
    env: { ...process.env, ROOT_ACCESS_KEY: address.accessKeyId, ROOT_SECRET_KEY: address.secretAccessKey },
  });
  const onExit = () => child.kill('SIGKILL');
  process.once('exit', onExit);
  let relay: Relay | undefined;
  const stop = async () => {
    await relay?.close();
    await end(child);
    process.removeListener('exit', onExit);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await untilAnswers(address.endpoint, child, () => '');
    if (latency > 0) {
      relay = await startRelay({ target: { host: '127.0.0.1', port }, oneWayDelay: latency / 2 });
    }
  } catch (error) {
    await stop();
    throw error;
  }
  const readLog = logReader(log);
  return {
    ...address,
    endpoint: relay === undefined ? address.endpoint : `http://127.0.0.1:${relay.port}`,
    async makeBucket(name) {
      await makeBucket(address, name);
      readLog();
      return join(data, name);
    },
    removeBucket: (name) => rmSync(join(data, name), { recursive: true, force: true }),
    requests: () => countRequests(readLog()),
    cpu: () => cpuOf(child.pid),
    stop,
  };
}

/** Time that a process has had on the processors, ms; 0 when it is gone. */
export function cpuOf(pid: number | undefined): number {
  try {
    // Its name, in brackets, may have spaces; the kernel counts in hundredths of a second.
    const [, rest = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(/\) (?=[^)]*$)/);
    const fields = rest.split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return 0;
  }
}

/** @returns what has been written there since the last call. */
function logReader(file: string): () => string {
  let at = 0;
  return () => {
    const descriptor = openSync(file, 'r');
    try {
      const bytes = Buffer.alloc(fstatSync(descriptor).size - at);
      at += readSync(descriptor, bytes, 0, bytes.length, at);
      return bytes.toString();
    } finally {
      closeSync(descriptor);
    }
  };
}

function countRequests(log: string): RequestCounts {
  const counts: Record<keyof RequestCounts, number> = { ...noRequests };
  for (const [, action = ''] of log.matchAll(/ s3_([A-Za-z0-9]+) /g)) {
    const kind = kinds[action];
    if (kind === undefined) throw new Error(`the server's log has an unknown request: ${action}`);
    counts[kind]++;
  }
  return counts;
}

/** Every file of a bucket by its key, without what the server keeps for itself. */
export function keysOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((key) => !key.startsWith('.sgwtmp/'));
}
