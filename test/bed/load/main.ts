import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { runClients } from './clients.ts';
import { monotonic } from './clock.ts';
import type { LoadOptions } from './model.ts';
import { Tally } from './tally.ts';
import { resultText } from './text.ts';

const usage = `Load from clients that never retry.

  node test/bed/load/main.ts --url http://127.0.0.11:8080 [--url …] [--seconds 10] [--rate 350] [--json]

With --json: one JSON object per line, {"type":"second",…} while it runs and {"type":"result",…} at the end.
With --control: runs until \`stop\` or the end of stdin; \`snapshot\` asks for the numbers so far, \`forget times\` begins
to measure latencies and gaps anew.`;

function readArguments(): { options: LoadOptions; seconds: number; json: boolean; control: boolean } {
  const { values } = parseArgs({
    options: {
      url: { type: 'string', multiple: true, default: [] },
      seconds: { type: 'string', default: '10' },
      rate: { type: 'string', default: '350' },
      sockets: { type: 'string', default: '2' },
      'slow-seconds': { type: 'string', default: '5' },
      'timeout-seconds': { type: 'string', default: '10' },
      'without-data': { type: 'boolean', default: false },
      'without-slow': { type: 'boolean', default: false },
      'without-page': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      control: { type: 'boolean', default: false },
    },
  });
  for (const url of values.url) {
    if (!/^127\.0\.0\.\d+$/.test(new URL(url).hostname))
      throw new Error(`${url}: load goes to 127.0.0.x only`);
  }
  if (values.url.length === 0) throw new Error('give --url');
  const rate = Number(values.rate);
  if (!(rate > 0 && rate <= 2000)) throw new Error('--rate: 1 to 2000');
  const options = {
    urls: values.url,
    rate,
    webSockets: Number(values.sockets),
    slowSeconds: Number(values['slow-seconds']),
    timeoutSeconds: Number(values['timeout-seconds']),
    withoutData: values['without-data'],
    withoutSlow: values['without-slow'],
    withoutPage: values['without-page'],
  };
  return { options, seconds: Number(values.seconds), json: values.json, control: values.control };
}

async function main(): Promise<number> {
  const { options, seconds, json, control } = readArguments();
  const tally = new Tally(monotonic, options.urls);
  const stop = new AbortController();
  stop.signal.addEventListener('abort', () => tally.stopped());
  const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
  // A reader that is gone will not read our lines either: stop instead of failing.
  process.stdout.on('error', () => stop.abort());
  process.once('SIGINT', () => stop.abort());
  process.once('SIGTERM', () => stop.abort());
  if (control) {
    const lines = createInterface({ input: process.stdin });
    lines.on('line', (line) => {
      if (line === 'snapshot') say({ type: 'snapshot', result: tally.result() });
      if (line === 'forget times') tally.forgetTimes();
      if (line === 'stop') stop.abort();
    });
    lines.on('close', () => stop.abort());
  } else {
    setTimeout(() => stop.abort(), seconds * 1000);
  }
  const everySecond = setInterval(() => {
    const { at, requests, failed } = tally.result();
    if (json && !control) say({ type: 'second', at, requests, failed });
  }, 1000);

  await runClients(options, tally, stop.signal);
  clearInterval(everySecond);
  const result = tally.result();
  if (json || control) say({ type: 'result', result });
  else console.log(resultText(result));
  return result.failed === 0 ? 0 : 1;
}

try {
  const code = await main();
  // stdin may still be open; the result must be out before we leave.
  process.stdout.write('', () => process.exit(code));
} catch (error) {
  console.error(`load: ${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
  process.exitCode = 2;
}
