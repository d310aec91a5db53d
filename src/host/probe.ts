import { type Clock, systemClock } from '../kernel/clock.ts';
import { UserError } from '../kernel/errors.ts';
import { tail } from '../kernel/process.ts';
import type { HostFacts } from './facts.ts';
import type { Host } from './model.ts';
import { parseProbe } from './probe-parse.ts';
import { probeScript } from './probe-script.ts';

export type { DiskFacts, HostFacts } from './facts.ts';

export interface ProbeOptions {
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
}

/**
 * Asks a host everything about itself, with one script.
 *
 * @throws UserError `host.probe` if the answer makes no sense; what Host.script() throws.
 */
export async function probeHost(host: Host, options: ProbeOptions = {}): Promise<HostFacts> {
  const { clock = systemClock, signal } = options;
  const begun = clock.now();
  let answered: number | undefined;
  const result = await host.script(probeScript, {
    what: 'Asking the host about itself',
    args: [host.config.root],
    timeoutMs: 45_000,
    // The first line is the clock; the rest of the answer takes longer and must not count.
    onLine: (line) => {
      if (line.startsWith('clock ')) answered ??= clock.now();
    },
    ...(signal === undefined ? {} : { signal }),
  });
  const facts = parseProbe(result.stdout, host.config.root, { begun, answered: answered ?? clock.now() });
  if (typeof facts !== 'string') return facts;
  throw new UserError({
    code: 'host.probe',
    message: `The answer of ${host.name} about itself makes no sense: ${facts}`,
    hint: "Something in the user's shell start-up, or an unusual system, may interfere.",
    output: tail(`${result.stdout}\n${result.stderr}`, 20).slice(-4000),
  });
}
