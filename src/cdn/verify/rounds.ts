import { counted } from '../../kernel/figures.ts';
import type { Log } from '../../kernel/log.ts';
import type { Connections } from './exchange.ts';
import { odd, wrong } from './fault.ts';
import { ask, examine, type Look, type Seen, type Site } from './look.ts';
import { lookAtNamed } from './looks.ts';
import type { Patience } from './patience.ts';
import { shown } from './url.ts';

export interface Looked {
  readonly look: Look;
  readonly seen: Seen;
}

export interface Surroundings {
  readonly site: Site;
  readonly changed: ReadonlySet<string>;
  readonly index: string;
  readonly connections: Connections;
  /** Requests on their way at a time. */
  readonly atOnce: number;
  /** Of one run: a page may name any number of files. */
  readonly mostUrls: number;
  readonly patience: Patience;
  readonly log: Pick<Log, 'detail'>;
}

/** Looks at everything, at what the pages name too, and then again at what was wrong while that makes sense. */
export async function lookAround(
  root: Looked,
  looks: readonly Look[],
  around: Surroundings,
): Promise<Looked[]> {
  const looked = new Map([[root.look.url.href, root]]);
  let due = [...looks, ...newlyNamed([root], looked, around)];
  for (;;) {
    // Pages bring their files along, and those name nothing that is looked at.
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
      `${counted(due.length, 'URL')} not as published yet (${first === undefined ? '' : shown(first.url)}); asked again`,
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
      // A site that hangs would take minutes to hang a hundred times.
      if (late >= atOnce) {
        seen[index] = { faults: [wrong('was not asked: the site does not answer any more')], named: [] };
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

/** Files that pages name and nobody has looked at yet, as many as there may be. */
function newlyNamed(pages: readonly Looked[], looked: Map<string, Looked>, around: Surroundings): Look[] {
  const fresh = new Map<string, Look>();
  for (const { look, seen } of pages) {
    for (const { url, needed } of seen.named) {
      if (looked.has(url.href) || fresh.has(url.href)) continue;
      if (looked.size + fresh.size >= around.mostUrls) {
        const tooMany = odd(
          'content',
          `names so many files that not all were looked at (${around.mostUrls} URLs are the most)`,
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
