import { createServer, type Server, type Socket } from 'node:net';

/** Stands in for Docker's DNS over TCP: A records, and SERVFAIL for unknown names, as a container with a dead upstream. */
export class Dns {
  readonly names = new Map<string, readonly string[]>();
  readonly asked = new Map<string, number>();
  #server: Server | undefined;
  #open = new Set<Socket>();
  readonly address = '127.0.0.11:15353';

  start(): Promise<void> {
    this.#server = createServer((socket) => {
      this.#open.add(socket);
      let buffered = Buffer.alloc(0);
      socket.on('error', () => {});
      socket.on('close', () => this.#open.delete(socket));
      socket.on('data', (chunk) => {
        buffered = Buffer.concat([buffered, chunk]);
        while (buffered.length >= 2 && buffered.length >= 2 + buffered.readUInt16BE(0)) {
          const size = buffered.readUInt16BE(0);
          socket.write(this.#answer(buffered.subarray(2, 2 + size)));
          buffered = buffered.subarray(2 + size);
        }
      });
    });
    const [host, listen] = this.address.split(':');
    return new Promise((resolve, reject) => {
      this.#server?.once('error', reject).listen(Number(listen), host, resolve);
    });
  }

  stop(): void {
    for (const socket of this.#open) socket.destroy();
    this.#server?.close();
  }

  #answer(query: Buffer): Buffer {
    const labels: string[] = [];
    let at = 12;
    for (let size = query[at] ?? 0; size > 0; size = query[at] ?? 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + size));
      at += 1 + size;
    }
    const question = query.subarray(12, at + 5);
    const name = labels.join('.');
    this.asked.set(name, (this.asked.get(name) ?? 0) + 1);
    const found = this.names.get(name);
    const head = Buffer.from(query.subarray(0, 12));
    head.writeUInt16BE(found === undefined ? 0x8182 : 0x8180, 2);
    head.writeUInt16BE(found?.length ?? 0, 6);
    const records = (found ?? []).map((ip) =>
      Buffer.concat([
        Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 2, 88, 0, 4]),
        Buffer.from(ip.split('.').map(Number)),
      ]),
    );
    const message = Buffer.concat([head, question, ...records]);
    const size = Buffer.alloc(2);
    size.writeUInt16BE(message.length);
    return Buffer.concat([size, message]);
  }
}
