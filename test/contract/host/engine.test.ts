import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Host } from '../../../src/host/model.ts';
import { type Sshd, startSshd } from '../../support/host/sshd.ts';

// dockerode over the SSH connection, against the real engine.

const image = 'sluice-test/host-engine:busybox';
let direct: Sshd;
let stdio: Sshd;
const hosts: Host[] = [];

beforeAll(async () => {
  const busybox = '/bin/busybox';
  if (!existsSync(busybox)) throw new Error(`${busybox} is missing: apt-get install busybox-static`);
  direct = await startSshd();
  stdio = await startSshd({ config: ['AllowStreamLocalForwarding no'] });
  hosts.push(await direct.connect(), await stdio.connect());
  const tar = execFileSync('tar', ['-C', '/', '-c', 'bin/busybox'], { maxBuffer: 64 * 1024 * 1024 });
  const progress = await hosts[0]?.engine.importImage(stream(tar), {
    repo: 'sluice-test/host-engine',
    tag: 'busybox',
  });
  progress?.resume();
  if (progress !== undefined) await once(progress, 'end');
});
afterAll(async () => {
  await hosts[0]?.engine
    .getImage(image)
    .remove({ force: true })
    .catch(() => {});
  for (const host of hosts) await host.close();
  await direct?.[Symbol.asyncDispose]();
  await stdio?.[Symbol.asyncDispose]();
});

function stream(data: Buffer): NodeJS.ReadableStream {
  return new PassThrough().end(data);
}

describe.each([
  ['over a forwarded socket', 0],
  ['through docker system dial-stdio, where sshd forbids forwarding', 1],
])('%s', (_, index) => {
  const host = () => hosts[index] as Host;

  test('answers, one after the other and 40 at once, on few connections', async () => {
    const { engine } = host();
    expect((await engine.version()).Version).toMatch(/^\d+\./);
    const before = host().counts().forwards;
    const all = await Promise.all(Array.from({ length: 40 }, () => engine.listNetworks()));
    expect(all.every((networks) => networks.length > 0)).toBe(true);
    for (let count = 0; count < 20; count++) await engine.ping();
    expect(host().counts().forwards - before).toBeLessThanOrEqual(8);
  });

  test('errors of the engine stay as they are', async () => {
    const error = await host()
      .engine.getContainer('no-such-container')
      .inspect()
      .catch((reason: unknown) => reason);
    expect((error as { statusCode: number }).statusCode).toBe(404);
  });

  test('a container: create, attach, logs that follow, exec with input, wait, remove', async () => {
    const { engine } = host();
    const script = 'echo started; read line; echo "got $line" >&2; sleep 1; exit 7';
    const container = await engine.createContainer({
      Image: image,
      Cmd: ['/bin/busybox', 'sh', '-c', script],
      OpenStdin: true,
      StdinOnce: true,
    });
    try {
      const attached = await container.attach({
        stream: true,
        stdin: true,
        stdout: true,
        stderr: true,
        hijack: true,
      });
      const seen = collect(engine, attached);
      await container.start();
      const logs = await container.logs({ follow: true, stdout: true, stderr: true });
      const followed = collect(engine, logs);

      const exec = await container.exec({
        Cmd: ['/bin/busybox', 'sh', '-c', 'cat; echo problem >&2; exit 3'],
        AttachStdin: true,
        AttachStdout: true,
        AttachStderr: true,
      });
      const inside = await exec.start({ hijack: true, stdin: true });
      const answer = collect(engine, inside);
      inside.end('input of the exec\n');
      expect(await answer).toBe('input of the exec\n|problem\n');
      expect((await exec.inspect()).ExitCode).toBe(3);

      attached.write('a line\n');
      expect((await container.wait()).StatusCode).toBe(7);
      expect(await seen).toBe('started\n|got a line\n');
      expect(await followed).toBe('started\n|got a line\n');
    } finally {
      await container.remove({ force: true });
    }
  });

  test('more followed logs than connections do not hold up a request', async () => {
    const { engine } = host();
    const container = await engine.createContainer({ Image: image, Cmd: ['/bin/busybox', 'sleep', '60'] });
    try {
      await container.start();
      const count = index === 0 ? 30 : 4;
      const logs = await Promise.all(
        Array.from({ length: count }, () => container.logs({ follow: true, stdout: true })),
      );
      expect((await container.inspect()).State.Running).toBe(true);
      expect((await host().script('echo free')).stdout).toBe('free\n');
      for (const log of logs) (log as unknown as PassThrough).destroy();
    } finally {
      await container.remove({ force: true });
    }
  });
});

/** stdout and stderr of a multiplexed stream, with a bar between. */
async function collect(engine: Host['engine'], source: NodeJS.ReadableStream): Promise<string> {
  const [out, err] = [new PassThrough(), new PassThrough()];
  engine.modem.demuxStream(source, out, err);
  await once(source, 'end');
  return `${(out.read() ?? '').toString()}|${(err.read() ?? '').toString()}`;
}
