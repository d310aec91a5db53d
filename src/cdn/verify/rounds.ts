import type { Clock } from '../../kernel/clock.ts';
import { counted } from '../../kernel/figures.ts';
import type { Log } from '../../kernel/log.ts';
import { lookAtNamed } from './choose.ts';
import type { Connections } from './exchange.ts';
import { type Fault, odd, wrong } from './faults.ts';
import { ask, examine, type Look, type Seen, type Site } from './look.ts';
import { shortened } from './url.ts';

export interface Looked {
  readonly look: Look;
  readonly seen: Seen;
}

export interface Surroundings {
  readonly site: Site;
  readonly changed: ReadonlySet<string>;
  readonly index: string;
  readonly connections: Connections;
  /** Requests in flight at a time. */
  readonly atOnce: number;
  /** Of one run. */
  readonly mostUrls: number;
  readonly patience: Patience;
  readonly log: Pick<Log, 'detail'>;
}

/** Checks every URL and the files that pages name, then checks faults again while time may fix them. */
export async function lookAround(
  root: Looked,
  looks: readonly Look[],
  around: Surroundings,
): Promise<Looked[]> {
  const looked = new Map([[root.look.url.href, root]]);
  let due = [...looks, ...newlyNamed([root], looked, around)];
  for (;;) {
    // Only pages name further files.
    while (due.length > 0) {
      const seen = await lookAtAll(due, around);
      for (const sight of seen) looked.set(sight.look.url.href, sight);
      due = newlyNamed(seen, looked, around);
    }
    due = [...looked.values()]
      .filter(({ seen }) => around.patience.again(seen.faults))
      .map(({ look }) => look);
    if (due.length === 0) return [...looked.values()];
    const [first] = due;
    around.log.detail(
      `${counted(due.length, 'URL')} not up to date yet (${first === undefined ? '' : shortened(first.url)}); retrying`,
    );
    await around.patience.pause();
  }
}

async function lookAtAll(looks: readonly Look[], around: Surroundings): Promise<Looked[]> {
  const { site, connections, atOnce } = around;
  const seen: Seen[] = [];
  const queue = looks.entries();
  let late = 0;
  const worker = async () => {
    for (const [index, look] of queue) {
      // A site that hangs takes minutes to hang a hundred times.
      if (late >= atOnce) {
        seen[index] = { faults: [wrong('was not checked: the site no longer answers')], named: [] };
        continue;
      }
      const answer = await ask(look, connections);
      if ('trouble' in answer && answer.trouble === 'late') late++;
      seen[index] = examine(look, answer, site);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return looks.map((look, index) => ({ look, seen: seen[index] ?? { faults: [], named: [] } }));
}

/** Files that pages name and that were not checked yet, up to the limit. */
function newlyNamed(pages: readonly Looked[], looked: Map<string, Looked>, around: Surroundings): Look[] {
  const fresh = new Map<string, Look>();
  for (const { look, seen } of pages) {
    for (const { url, needed } of seen.named) {
      if (looked.has(url.href) || fresh.has(url.href)) continue;
      if (looked.size + fresh.size >= around.mostUrls) {
        const tooMany = odd(
          'content',
          `names too many files to check them all (limit: ${around.mostUrls} URLs)`,
        );
        looked.set(look.url.href, { look, seen: { faults: [...seen.faults, tooMany], named: [] } });
        break;
      }
      const next = lookAtNamed(url, needed, around);
      if (next !== undefined) fresh.set(url.href, next);
    }
  }
  return [...fresh.values()];
}

/** How long a warning may delay the end of a publication, ms. */
const soonMs = 10_000;
const pauses = { first: 500, longest: 5000 } as const;

/** Decides which faults to check again. */
export interface Patience {
  again(faults: readonly Fault[]): boolean;
  /** Longer each time, never past the deadline. */
  pause(): Promise<void>;
}

/** @param forMs from now. */
export function createPatience(forMs: number, clock: Clock, signal: AbortSignal): Patience {
  const begun = clock.elapsed();
  const ends = { release: forMs, soon: Math.min(forMs, soonMs), never: 0 } as const;
  let next: number = pauses.first;
  return {
    again: (faults) => {
      const gone = clock.elapsed() - begun;
      return faults.some(({ clears }) => gone < ends[clears]);
    },
    pause: async () => {
      // At least 1 ms: a clock exactly at the deadline never passes it.
      const left = Math.max(1, forMs - (clock.elapsed() - begun));
      await clock.sleep(Math.min(next, left), signal);
      next = Math.min(next * 2, pauses.longest);
    },
  };
}
