import type { FailureGroup, FailureSample, LoadResult } from './model.ts';

/** The numbers for a person. */
export function resultText(result: LoadResult): string {
  const seconds = (result.at - result.startedAt) / 1000;
  const lines = [
    `${result.requests} requests in ${seconds.toFixed(1)} s (${Math.round(result.requests / seconds)}/s), ${result.failed} failed`,
  ];
  for (const [name, client] of Object.entries(result.clients)) {
    if (client.requests === 0) continue;
    lines.push(
      `  ${name.padEnd(12)}${String(client.requests).padStart(8)}  p50 ${client.p50Ms} ms, p95 ${client.p95Ms} ms, p99 ${client.p99Ms} ms, longest gap ${Math.round(client.longestGapMs)} ms`,
    );
  }
  const { opened, ticks, echoes, cuts } = result.webSockets;
  lines.push(`  ${opened} WebSockets, ${ticks} ticks, ${echoes} echoes, ${cuts.length} cut`);
  for (const failure of result.failures) lines.push(`  ${failureText(failure)}`);
  for (const sample of firstSamples(result)) {
    lines.push(`    ${sample.client} ${sample.url}: ${sample.detail}`);
  }
  return lines.join('\n');
}

/** Five of each group: enough for a person. */
function firstSamples({ samples }: LoadResult): FailureSample[] {
  const shown = new Map<string, number>();
  return samples.filter(({ client, kind, version }) => {
    const group = `${client} ${kind} ${version}`;
    shown.set(group, (shown.get(group) ?? 0) + 1);
    return (shown.get(group) ?? 0) <= 5;
  });
}

/** `12 × 5xx from v4 (post), over 0.05 s` */
export function failureText(failure: FailureGroup): string {
  const from = failure.version === undefined ? '' : ` from ${failure.version}`;
  const seconds = ((failure.lastAt - failure.firstAt) / 1000).toFixed(2);
  return `${failure.count} × ${failure.kind}${from} (${failure.client}), over ${seconds} s`;
}
