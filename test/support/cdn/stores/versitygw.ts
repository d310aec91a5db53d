import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { end, freePort, makeBucket, type S3Server, startTied, untilAnswers } from './server.ts';

/** Starts a versitygw over a folder: it checks signatures, hashes and conditions as AWS does. */
export async function startVersity(): Promise<S3Server> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-versitygw-'));
  const [data, side] = [join(folder, 'data'), join(folder, 'side')];
  await mkdir(data);
  await mkdir(side);
  const port = await freePort();
  const address = {
    name: 'versitygw',
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    accessKeyId: 'AKIAVERSITYEXAMPLE',
    secretAccessKey: 'versity-secret-of-the-tests',
  };
  const child = startTied(
    'versitygw',
    ['--port', `127.0.0.1:${port}`, '--keep-alive', '--quiet', 'posix', '--sidecar', side, data],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        ROOT_ACCESS_KEY: address.accessKeyId,
        ROOT_SECRET_KEY: address.secretAccessKey,
      },
    },
  );
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      said = (said + chunk).slice(-4000);
    });
  }
  async function stop(): Promise<void> {
    await end(child);
    await rm(folder, { recursive: true, force: true });
  }

  try {
    await untilAnswers(address.endpoint, child, () => said);
  } catch (error) {
    await stop();
    throw error;
  }
  return { ...address, makeBucket: (name) => makeBucket(address, name), stop };
}
