import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  activeMap,
  type EdgeSpec,
  edgeCommand,
  edgeFiles,
  edgePaths,
} from '../../../src/deploy/traffic/edge-config.ts';
import {
  type EdgeColour,
  type EdgeStatus,
  type GuardClient,
  guardClient,
} from '../../../src/deploy/traffic/guard.ts';
import type { Dns } from './dns.ts';

/**
 * A real edge on this machine: HAProxy 3.0 from HAPROXY_BIN, else from the bed's image on the host's network. The
 * colours' replicas are servers of this process on addresses of their own, named by a DNS server of this process.
 */
export const image = process.env.SLUICE_HAPROXY_IMAGE ?? '127.0.0.1:5000/library/haproxy:3.0';

export const edgeAddress = '127.0.0.10';
/** Edge and replicas listen on the same port, as in containers. */
export const port = 18_080;

/** Waits until `condition` holds; fails with `what` after ten seconds. */
export async function eventually(
  what: string | (() => string),
  condition: () => Promise<boolean> | boolean,
): Promise<void> {
  for (const end = Date.now() + 10_000; Date.now() < end; ) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`not within ten seconds: ${typeof what === 'string' ? what : what()}`);
}

/** One replica of the app. It names its colour in each answer; how it behaves can be changed while it runs. */
export class Replica {
  readonly colour: EdgeColour;
  readonly ip: string;
  status = 200;
  delayMs = 0;
  health: number | 'hang' = 200;
  served = 0;
  posts = 0;
  connections = 0;
  /** Closes each connection within some milliseconds after an answer, while the next request may be on its way. */
  closesIdle = false;
  /** Closes the connection instead of an answer. */
  dies = false;
  /** Headers of each health check. */
  readonly asked: IncomingHttpHeaders[] = [];
  readonly #server: Server;

  constructor(colour: EdgeColour, ip: string) {
    this.colour = colour;
    this.ip = ip;
    this.#server = createServer({ maxHeaderSize: 65_536 }, (request, response) =>
      this.#answer(request, response),
    );
    this.#server.on('connection', () => {
      this.connections += 1;
    });
    // A tunnel that echoes, as a WebSocket would.
    this.#server.on('upgrade', (_request, socket: Socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n');
      socket.on('error', () => {});
      socket.on('data', (chunk) => socket.write(`${this.colour}:${chunk}`));
      socket.on('end', () => socket.end());
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = request.url ?? '/';
    if (url === '/health') {
      this.asked.push(request.headers);
      if (this.health !== 'hang') response.writeHead(this.health).end();
      return;
    }
    let body = '';
    for await (const chunk of request) body += chunk;
    this.served += 1;
    if (request.method === 'POST') this.posts += 1;
    if (this.dies) {
      request.socket.destroy();
      return;
    }
    if (this.closesIdle) response.on('finish', () => closeSoon(request.socket));
    const wait = Number(new URL(url, 'http://app').searchParams.get('wait') ?? this.delayMs);
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    response.setHeader('x-colour', this.colour);
    if (url.startsWith('/headers')) {
      response.end(JSON.stringify(request.headers));
    } else if (url.startsWith('/stream')) {
      response.writeHead(this.status);
      for (let i = 0; i < 10; i += 1) {
        response.write(`${this.colour} ${i}\n`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      response.end('end\n');
    } else {
      response.writeHead(this.status).end(`${this.colour} ${body}`);
    }
  }

  start(): Promise<this> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject).listen(port, this.ip, 1024, () => resolve(this));
    });
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

/** As a server does whose patience with an idle connection is over: it does not know what is on its way to it. */
function closeSoon(socket: Socket): void {
  const read = socket.bytesRead;
  setTimeout(() => {
    if (socket.bytesRead === read) socket.destroy();
  }, Math.random() * 4);
}

/** The edge's directory and its supervised process. */
export class Edge {
  readonly dir = mkdtempSync(join(tmpdir(), 'sluice-edge-'));
  readonly guard: GuardClient;
  log = '';
  readonly spec: EdgeSpec;
  /** The container (or the supervisor) is gone. */
  ended = false;
  #process: ChildProcess | undefined;
  readonly #container = `sluice-edge-test-${process.pid}`;

  constructor(dns: Dns, spec: Partial<EdgeSpec> = {}) {
    this.spec = {
      service: 'backend',
      app: 'shop',
      ports: [{ port, mode: 'http' }],
      health: { path: '/health', port },
      nameserver: dns.address,
      ...(process.env.HAPROXY_BIN ? { paths: { config: this.dir, run: join(this.dir, 'run') } } : {}),
      ...spec,
    };
    mkdirSync(join(this.dir, 'run'));
    this.write(this.spec);
    this.persist('blue');
    this.guard = guardClient((command) => this.ask(command));
  }

  write(spec: EdgeSpec): void {
    for (const { path, content, mode } of edgeFiles(spec, image)) {
      const here = content.replace(/bind :(\d+)/g, `bind ${edgeAddress}:$1`);
      writeFileSync(join(this.dir, path), path === 'haproxy.cfg' ? here : content, { mode });
    }
  }

  /** As the deploy does it at the confirmation. */
  persist(active: EdgeColour, addresses = {}): void {
    writeFileSync(join(this.dir, 'active.map.new'), activeMap(active, addresses));
    renameSync(join(this.dir, 'active.map.new'), join(this.dir, 'active.map'));
  }

  async start(): Promise<this> {
    const run = join(this.dir, 'run');
    const own = process.env.HAPROXY_BIN;
    const user = `${process.getuid?.()}:${process.getgid?.()}`;
    const mounts = ['-v', `${this.dir}:${edgePaths.config}:ro`, '-v', `${run}:${edgePaths.run}`];
    const argv: [string, ...string[]] = own
      ? ['sh', join(this.dir, 'supervise.sh'), this.dir, run]
      : // biome-ignore format: one line per meaning
        ['docker', 'run', '--rm', '--name', this.#container, '--network', 'host', '--user', user, ...mounts, image, ...edgeCommand];
    const child = spawn(argv[0], argv.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#process = child;
    const note = (chunk: Buffer) => {
      this.log += chunk.toString();
    };
    child.stdout.on('data', note);
    child.stderr.on('data', note);
    child.on('exit', () => {
      this.ended = true;
    });
    child.on('error', (error) => {
      this.log += error.message;
    });
    await eventually(
      () => `the edge runs (${argv.join(' ')}):\n${this.log}`,
      () =>
        this.status().then(
          () => true,
          () => false,
        ),
    );
    return this;
  }

  ask(command: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(join(this.dir, 'run', 'admin.sock'));
      let answer = '';
      socket.on('data', (chunk) => {
        answer += chunk;
      });
      socket.on('error', reject);
      socket.on('end', () => resolve(answer));
      socket.end(`${command}\n`);
    });
  }

  status(): Promise<EdgeStatus> {
    return this.guard.status();
  }

  /** HAProxy's process id as it sees it itself: another one after a restart. */
  async pid(): Promise<number> {
    return Number(/^Pid: (\d+)/m.exec(await this.ask('show info'))?.[1]);
  }

  /** Kills HAProxy below its supervisor and waits for the next one. */
  async crash(): Promise<void> {
    const pid = await this.pid();
    if (process.env.HAPROXY_BIN) process.kill(pid, 'SIGKILL');
    else execFileSync('docker', ['exec', this.#container, 'sh', '-c', `kill -9 ${pid}`]);
    await this.another(pid);
  }

  /** Waits for a process that is not `pid`. */
  another(pid: number): Promise<void> {
    return eventually('another process serves', async () => (await this.pid().catch(() => pid)) !== pid);
  }

  /** Memory of HAProxy's process. */
  async residentKb(): Promise<number> {
    const inspect = ['inspect', '-f', '{{.State.Pid}}', this.#container];
    const top = process.env.HAPROXY_BIN ? undefined : execFileSync('docker', inspect).toString().trim();
    const children = top && readFileSync(`/proc/${top}/task/${top}/children`, 'utf8').trim();
    const status = readFileSync(`/proc/${children ?? (await this.pid())}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]);
  }

  /** Signals the supervisor. */
  signal(name: 'SIGHUP' | 'SIGUSR1' | 'SIGTERM'): void {
    if (process.env.HAPROXY_BIN) this.#process?.kill(name);
    else spawn('docker', ['kill', '--signal', name, this.#container], { stdio: 'ignore' });
  }

  async stop(): Promise<void> {
    const child = this.#process;
    if (child !== undefined && child.exitCode === null) {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      this.signal('SIGTERM');
      await gone;
    }
    rmSync(this.dir, { recursive: true, force: true });
  }

  up(colour: EdgeColour, count: number): Promise<void> {
    return eventually(`${count} of ${colour} are up`, async () => {
      // Over a reload the process that ends may be the one that answers.
      const status = await this.status().catch(() => undefined);
      return status?.colours[colour].up === count;
    });
  }
}
