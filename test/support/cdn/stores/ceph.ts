import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  end,
  freePort,
  makeBucket,
  programPath,
  runTool,
  type S3Server,
  startTied,
  untilAnswers,
} from './server.ts';

/**
 * Starts Ceph's gateway over a cluster of one monitor and one OSD that keeps everything in memory. It is S3 as it was some
 * years ago: no newer checksums, another XML, other words.
 */
export async function startCeph(): Promise<S3Server> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-ceph-'));
  const daemons: ChildProcess[] = [];

  async function stop(): Promise<void> {
    await Promise.all(daemons.map(end));
    await rm(folder, { recursive: true, force: true });
  }

  try {
    const address = await startDaemons(folder, (daemon) => daemons.push(daemon));
    return { ...address, makeBucket: (name) => makeBucket(address, name), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startDaemons(folder: string, started: (daemon: ChildProcess) => void) {
  const [fsid, monitor, gateway] = [randomUUID(), await freePort(), await freePort()];
  const conf = join(folder, 'ceph.conf');
  await writeFile(conf, configuration(folder, fsid, monitor));
  for (const name of ['mon', 'osd']) await mkdir(join(folder, name));
  const tool = (name: string, ...args: string[]) => runTool(programPath(name), ['-c', conf, ...args]);
  const daemon = (name: string, ...args: string[]) => {
    const child = startTied(name, ['-c', conf, '-f', ...args], { stdio: 'ignore' });
    started(child);
    return child;
  };

  const map = join(folder, 'monmap');
  runTool(programPath('monmaptool'), [
    '--create',
    '--addv',
    'a',
    `[v2:127.0.0.1:${monitor}]`,
    '--fsid',
    fsid,
    map,
  ]);
  tool('ceph-mon', '--mkfs', '-i', 'a', '--monmap', map);
  daemon('ceph-mon', '-i', 'a');
  const osd = randomUUID();
  tool('ceph', '--connect-timeout', '30', 'osd', 'new', osd);
  tool('ceph-osd', '--mkfs', '-i', '0', '--osd-uuid', osd);
  daemon('ceph-osd', '-i', '0');

  const address = {
    name: 'Ceph',
    endpoint: `http://127.0.0.1:${gateway}`,
    region: 'us-east-1',
    accessKeyId: 'CEPHACCESSKEYEXAMPLE',
    secretAccessKey: 'ceph-secret-of-the-tests',
  };
  const { accessKeyId, secretAccessKey } = address;
  tool(
    'radosgw-admin',
    ...['user', 'create', '--uid', 'tests', '--display-name', 'Tests'],
    ...['--access-key', accessKeyId, '--secret', secretAccessKey],
  );
  const rgw = daemon('radosgw', '-n', 'client.rgw', '--rgw-frontends', `beast endpoint=127.0.0.1:${gateway}`);
  const log = await untilAnswers(address.endpoint, rgw, () => `see ${folder}`).then(
    () => undefined,
    () => readFile(join(folder, 'client.rgw.log'), 'utf8'),
  );
  if (log !== undefined) throw new Error(`radosgw does not answer:\n${log.slice(-4000)}`);
  return address;
}

/** Without keys there is no encryption, and radosgw would insist on it towards the monitor: hence `crc`. */
function configuration(folder: string, fsid: string, monitor: number): string {
  return `[global]
fsid = ${fsid}
mon host = [v2:127.0.0.1:${monitor}]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind msgr1 = false
run dir = ${folder}
admin socket = ${folder}/$name.asok
log file = ${folder}/$name.log
pid file =
crash dir = ${folder}
auth cluster required = none
auth service required = none
auth client required = none
ms mon client mode = crc
ms client mode = crc
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail crit = 1
mon osd initial require min compat client = luminous
[mon]
mon data = ${folder}/mon
mon warn on pool no redundancy = false
[osd]
osd data = ${folder}/osd
osd objectstore = memstore
memstore device bytes = 4294967296
[client]
rgw thread pool size = 64
rgw dns name =
rgw enable usage log = false
rgw enable gc threads = false
rgw enable lc threads = false
rgw run sync thread = false
rgw relaxed s3 bucket names = false
`;
}
