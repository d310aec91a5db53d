import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { effects, failure, freePort, type Sshd, startSshd } from '../../support/host/sshd.ts';

// Getting there: addresses, ports, servers that are not what they should be, and the jump host.

let sshd: Sshd;

beforeAll(async () => {
  sshd = await startSshd();
});
afterAll(() => sshd[Symbol.asyncDispose]());

/** A server that treats its n-th connection (from 0) as told. */
async function fakeServer(onConnection: (socket: Socket, count: number) => void) {
  let count = 0;
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    onConnection(socket, count++);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    connections: () => count,
    [Symbol.dispose]: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

const relay = (socket: Socket) => {
  const onward = connect(sshd.port, '127.0.0.1');
  onward.on('error', () => {});
  socket.pipe(onward).pipe(socket);
};

describe('what can be wrong on the way', () => {
  test('a name that does not resolve', async () => {
    const error = await failure(sshd.connect({ address: 'no-such-host.invalid' }));
    expect(error.code).toBe('host.dns');
    expect(error.message).toContain('no-such-host.invalid');
  });

  test('nothing listens; tried three times', async () => {
    const lines: string[] = [];
    const error = await failure(sshd.connect({ port: await freePort() }, effects(lines)));
    expect(error.code).toBe('host.refused');
    expect(lines.join('').split('retrying').length - 1).toBe(2);
  });

  test('an address without a route', async () => {
    const error = await failure(sshd.connect({ address: '255.255.255.255' }));
    expect(error.code).toBe('host.unreachable');
  });

  test('a server that says nothing', async () => {
    using silent = await fakeServer(() => {});
    const error = await failure(sshd.connect({ port: silent.port }, { timeoutMs: 200 }));
    expect(error.code).toBe('host.connect-timeout');
  });

  test('a web server', async () => {
    using web = await fakeServer((socket) =>
      socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
    );
    const error = await failure(sshd.connect({ port: web.port }));
    expect(error.code).toBe('host.not-ssh');
    expect(error.output).toContain('HTTP/1.1 400');
    expect(web.connections()).toBe(1);
  });

  test('a server that hangs up, every time', async () => {
    using rude = await fakeServer((socket) => socket.end('Exceeded MaxStartups\r\n'));
    const error = await failure(sshd.connect({ port: rude.port }));
    expect(error.code).toBe('host.closed-early');
    expect(error.output).toContain('MaxStartups');
    expect(rude.connections()).toBe(3);
  });

  test('a server that hangs up once: connected at the second try', async () => {
    using moody = await fakeServer((socket, count) =>
      count === 0 ? socket.resetAndDestroy() : relay(socket),
    );
    await using host = await sshd.connect({ port: moody.port });
    expect((await host.script('echo well')).stdout).toBe('well\n');
    expect(moody.connections()).toBe(2);
  });

  test('over MaxStartups of a real sshd', async () => {
    await using busy = await startSshd({ config: ['MaxStartups 1:100:1'] });
    const idler = await idleConnection(busy.port);
    const error = await failure(busy.connect());
    expect(error.code).toBe('host.closed-early');
    idler.destroy();
  });

  test.each([
    ['key exchange', 'KexAlgorithms diffie-hellman-group14-sha1'],
    ['cipher', 'Ciphers aes128-cbc'],
  ])('no common %s', async (_, line) => {
    await using old = await startSshd({ config: [line] });
    const error = await failure(old.connect());
    expect(error.code).toBe('host.no-common-algorithm');
  });

  test('a cancelled run does not wait for the connection', async () => {
    using silent = await fakeServer(() => {});
    const controller = new AbortController();
    const attempt = sshd.connect({ port: silent.port }, { signal: controller.signal });
    const reason = new Error('cancelled');
    setTimeout(() => controller.abort(reason), 50);
    await expect(attempt).rejects.toBe(reason);
    await expect(sshd.connect({}, { signal: controller.signal })).rejects.toBe(reason);
  });
});

describe('a jump host', () => {
  test('carries the connection, with host keys of both checked', async () => {
    await using jump = await startSshd();
    const { user } = await jump.config();
    const hop = { user, address: '127.0.0.1', port: jump.port, hostKey: await jump.hostKey() };
    // One key for both: that of the target is let in by the jump host.
    await using target = await startSshd({ authorized: (line) => line });
    const key = { env: { SLUICE_SSH_KEY_FILE: jump.loginKey } };
    const refused = await failure(target.connect({ jump: hop }, key));
    expect(refused.code).toBe('host.login-refused');
    expect(refused.message).not.toContain('jump host');
    expect(jump.log()).toContain('Accepted publickey');
    expect(await gone(jump)).toBe(true);

    await using both = await startSshd({ authorized: () => publicKey(jump) });
    await using host = await both.connect({ jump: hop }, key);
    expect((await host.script('echo behind')).stdout).toBe('behind\n');
    expect((await host.engine.version()).ApiVersion).toBeTypeOf('string');
  });

  test('with a wrong key, or one that forwards nothing', async () => {
    await using jump = await startSshd({ config: ['AllowTcpForwarding no'] });
    const { user } = await jump.config();
    const hop = { user, address: '127.0.0.1', port: jump.port, hostKey: await jump.hostKey() };
    const key = { env: { SLUICE_SSH_KEY_FILE: jump.loginKey } };
    const wrong = await failure(sshd.connect({ jump: { ...hop, hostKey: await sshd.hostKey() } }, key));
    expect(wrong.code).toBe('host.key-changed');
    expect(wrong.message).toContain('jump host of');
    const refused = await failure(sshd.connect({ jump: hop }, key));
    expect(refused.code).toBe('host.jump-refused');
    expect(refused.hint).toContain('AllowTcpForwarding');
  });

  test('that cannot reach the host', async () => {
    await using jump = await startSshd();
    const { user } = await jump.config();
    const hop = { user, address: '127.0.0.1', port: jump.port, hostKey: await jump.hostKey() };
    const key = { env: { SLUICE_SSH_KEY_FILE: jump.loginKey } };
    const error = await failure(sshd.connect({ jump: hop, port: await freePort() }, key));
    expect(error.code).toBe('host.jump-refused');
  });
});

/** A connection that sshd has taken but that never logs in. */
async function idleConnection(port: number): Promise<Socket> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const [data] = (await once(socket, 'data')) as [Buffer];
    if (data.toString().startsWith('SSH-')) return socket;
    socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function publicKey(from: Sshd): string {
  return readFileSync(`${from.loginKey}.pub`, 'utf8').trim();
}

/** Whether sshd has ended all its connections, within a moment. */
async function gone(server: Sshd): Promise<boolean> {
  for (let tries = 0; tries < 100; tries++) {
    if (server.sessions().length === 0) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}
