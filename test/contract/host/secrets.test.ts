import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Host } from '../../../src/host/model.ts';
import { effects, type Sshd, startSshd } from '../../support/host/sshd.ts';

// Nobody on the host may read a secret from a command line or an environment, and no log shows it.

let sshd: Sshd;
let host: Host;
const logged: string[] = [];

beforeAll(async () => {
  sshd = await startSshd({ config: ['LogLevel DEBUG3'] });
  host = await sshd.connect({}, effects(logged));
});
afterAll(async () => {
  await host?.close();
  await sshd[Symbol.asyncDispose]();
});

/** Watches /proc/PID/cmdline and /proc/PID/environ of every process, over and over; returns what it saw. */
function watch(secret: string) {
  const program = fileURLToPath(new URL('../../support/host/watch.ts', import.meta.url));
  const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] });
  let out = '';
  const looking = new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk) => {
      out += chunk;
      if (out.includes('looking')) resolve();
    });
  });
  child.stdin.write(`${secret}\n`);
  return {
    looking,
    stop: async () => {
      child.stdin.end();
      await new Promise((resolve) => child.once('close', resolve));
      return out;
    },
  };
}

test('a script’s text, a program’s input and a dialogue’s lines stay out of /proc and of all logs', async () => {
  const secret = `hunter2-${process.pid}-${Math.random().toString(36).slice(2)}`;
  const watcher = watch(secret);
  await watcher.looking;
  for (let round = 0; round < 3; round++) {
    const script = `password='${secret}'\nsleep 0.2\ncat <<EOF | wc -c\n$password\nEOF\nsleep 0.2`;
    await Promise.all([
      host.script(script),
      host.script(`sh -c 'read -r x; sleep 0.2; echo "$\{#x}"' <<EOF\n${secret}\nEOF`),
      host.exec(['sh', '-c', 'sleep 0.2; cat >/dev/null'], { stdin: secret }),
    ]);
    const dialogue = await host.dialogue(['cat']);
    await dialogue.ask(secret);
    await dialogue.close();
  }
  const seen = await watcher.stop();
  expect(Number(/rounds (\d+)/.exec(seen)?.[1])).toBeGreaterThan(10);
  expect(seen).not.toContain('found');
  expect(sshd.log()).not.toContain(secret);
  expect(logged.join('')).not.toContain(secret);
});

test('the watch would have seen it', async () => {
  const secret = `hunter2-${process.pid}-${Math.random().toString(36).slice(2)}`;
  const watcher = watch(secret);
  await watcher.looking;
  await host.exec(['sh', '-c', 'sleep 1', secret]);
  expect(await watcher.stop()).toContain('found');
});
