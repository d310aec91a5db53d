import { oneLine } from '../../report/text.ts';
import type { Answer, Asked, Connections } from './exchange.ts';
import type { Trouble } from './trouble.ts';
import { shown } from './url.ts';

/** Browsers give up at 20. */
const mostRedirects = 5;
const redirecting: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Requests a URL and follows redirects as a browser does. */
export async function follow(connections: Connections, from: URL, asked: Asked): Promise<Answer | Trouble> {
  const redirects: URL[] = [];
  let url = from;
  for (;;) {
    const answer = await connections.exchange(url, asked);
    if ('trouble' in answer) return redirects.length === 0 ? answer : away(url, answer.message);
    const { location } = answer.headers;
    if (!redirecting.has(answer.status) || location === undefined) return { ...answer, redirects };
    const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
    if (next === undefined || !/^https?:$/.test(next.protocol)) {
      return {
        trouble: 'redirect',
        message: `redirects to ${oneLine(location, 100)}, which is not an HTTP URL`,
      };
    }
    next.hash = '';
    if (next.href === from.href || redirects.some((redirect) => redirect.href === next.href)) {
      return { trouble: 'redirect', message: `redirects in a loop through ${shown(next)}` };
    }
    redirects.push(next);
    if (redirects.length > mostRedirects) {
      return {
        trouble: 'redirect',
        message: `redirects more than ${mostRedirects} times, most recently to ${shown(next)}`,
      };
    }
    url = next;
  }
}

function away(url: URL, message: string): Trouble {
  return { trouble: 'redirect', message: `redirects to ${shown(url)}, which ${message}` };
}
