import type { HostConfig } from '../../../src/config/model.ts';
import { connectHost } from '../../../src/host/ssh/connect.ts';
import { effects } from './sshd.ts';

// A program of its own: one connection, one of each kind of use, closed. Nothing may keep the process alive.
const config = JSON.parse(process.env.CONFIG ?? '') as HostConfig;
const host = await connectHost(config, { ...effects(), env: process.env });
process.stdout.write((await host.script('echo hello')).stdout);
await host.engine.ping();
const dialogue = await host.dialogue(['cat']);
await dialogue.ask('x');
await host.close();
process.stdout.write('closed\n');
