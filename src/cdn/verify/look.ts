import type { VerifySettings } from '../../config/site.ts';
import { version } from '../../kernel/version.ts';
import type { Entry } from '../model.ts';
import { referencesOf } from '../pages/html.ts';
import { contentFaults, isContent, type Others, sizeFaults, statusWords } from './content.ts';
import { type Answer, type Asked, type Connections, follow } from './exchange.ts';
import { type Fault, odd, type Trouble, wrong } from './faults.ts';
import { headerFaults, kindFaults, policyWeakness, securityFaults, wantedFaults } from './headers.ts';
import { pathOf } from './url.ts';

/**
 * One URL to check. `root`: the URL people type; `page`: the object of a page; `folder`: the folder of an index
 * page, which not every CDN serves; `asset`: any other file; `unknown`: a path that does not exist.
 */
export interface Look {
  readonly role: 'root' | 'page' | 'folder' | 'asset' | 'unknown';
  readonly url: URL;
  /** Missing for `unknown`, and for assets below the site that are not part of the release. */
  readonly entry: Entry | undefined;
  readonly changed: boolean;
  /** An icon, a preview, a manifest: a page works without it. */
  readonly optional?: boolean;
}

/** The site that is checked. */
export interface Site {
  readonly base: URL;
  readonly entries: ReadonlyMap<string, Entry>;
  readonly index: Entry | undefined;
  readonly spa: boolean;
  readonly settings: VerifySettings;
  readonly before: { readonly number: number; readonly entries: ReadonlyMap<string, Entry> } | undefined;
}

export interface Seen {
  readonly faults: readonly Fault[];
  /** URLs below the site that an intact page names. */
  readonly named: readonly Named[];
}

const MiB = 1024 * 1024;
/** For larger assets only the size is requested: the store verified their bytes on upload. */
const largestHashed = MiB;

export async function ask(look: Look, connections: Connections): Promise<Answer | Trouble> {
  const answer = await follow(connections, look.url, requestOf(look));
  // Not every server knows HEAD.
  if (isHead(look) && 'status' in answer && (answer.status === 405 || answer.status === 501)) {
    return follow(connections, look.url, { ...requestOf(look), method: 'GET', most: 64 * 1024 });
  }
  return answer;
}

/**
 * A request as a browser sends it, to get the copy that the CDN caches for browsers: CloudFront caches
 * compressed answers separately. An object stored encoded is requested in that encoding; a size is that of
 * plain bytes.
 */
export function requestOf(look: Pick<Look, 'role' | 'entry'>): Asked {
  const { role, entry } = look;
  const page = role !== 'asset';
  return {
    method: isHead(look) ? 'HEAD' : 'GET',
    headers: {
      accept: page ? 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8' : '*/*',
      'accept-encoding': entry?.headers['content-encoding'] ?? (isHead(look) ? 'identity' : 'gzip, br'),
      'user-agent': `Mozilla/5.0 (compatible; sluice/${version})`,
    },
    // Room for content that a CDN adds to pages.
    most: (entry?.size ?? 0) + MiB,
  };
}

function isHead({ role, entry }: Pick<Look, 'role' | 'entry'>): boolean {
  return role === 'asset' && (entry === undefined || entry.size > largestHashed);
}

/** Judges an answer. Pure. */
export function examine(look: Look, answer: Answer | Trouble, site: Site): Seen {
  if ('trouble' in answer) return { faults: [troubleFault(answer)], named: [] };
  if (look.role === 'unknown') return { faults: fallbackFaults(answer, site), named: [] };
  if (look.role === 'folder') return { faults: folderFaults(look, answer, site), named: [] };
  if (answer.status !== 200) {
    const words = statusWords(answer);
    const bare = look.optional === true && look.entry === undefined;
    return { faults: [bare ? odd('content', words) : wrong(words)], named: [] };
  }
  if (look.entry === undefined) return { faults: kindFaults(answer.headers, answer.url.pathname), named: [] };
  if (look.role === 'asset') {
    return { faults: objectFaults(look, look.entry, answer, site), named: [] };
  }
  return pageSeen(look, look.entry, answer, site);
}

/** Time does not fix a wrong name, a wrong certificate or a redirect loop. */
function troubleFault({ trouble, message }: Trouble): Fault {
  const lasts = trouble === 'dns' || trouble === 'tls' || trouble === 'redirect';
  return lasts ? { ...wrong(message), clears: 'never' } : wrong(message);
}

function pageSeen(look: Look, entry: Entry, answer: Answer, site: Site): Seen {
  const faults = objectFaults(look, entry, answer, site);
  const html = answer.body.toString();
  const named = faults.some(({ level, kind }) => level === 'fail' && kind === 'content')
    ? []
    : namedBy(html, answer.url, site.base);
  return { faults: [...faults, ...guardFaults(answer, html, site.settings)], named };
}

/** Content and headers of anything that is part of the release. */
function objectFaults(look: Look, entry: Entry, answer: Answer, site: Site): Fault[] {
  const content = isHead(look)
    ? sizeFaults(answer, entry)
    : contentFaults(answer, entry, othersOf(entry, answer.url, site));
  // The headers of another object do not matter.
  if (content.some(({ level }) => level === 'fail')) return content;
  return [...content, ...headerFaults(answer.headers, entry, look.changed)];
}

function othersOf(entry: Entry, page: URL, { base, entries, index, before }: Site): Others {
  return {
    index: entry.path === index?.path ? undefined : index,
    before: before?.entries.get(entry.path),
    beforeNumber: before?.number,
    namesRelease: (html) =>
      namedBy(html, page, base).every(({ url }) => entries.has(pathOf(base, url) ?? '')),
  };
}

/** Security headers are settings of the CDN: no invalidation changes them. */
function guardFaults(answer: Answer, html: string, settings: VerifySettings): Fault[] {
  const fail = (message: string): Fault => ({ level: 'fail', kind: 'security', message, clears: 'never' });
  const wanted = wantedFaults(answer.headers, settings.headers).map(fail);
  if (settings.security === 'off') return wanted;
  const missing = securityFaults(answer.headers, html, answer.url.protocol === 'https:');
  const weakness = policyWeakness(answer.headers);
  return [
    ...wanted,
    ...missing.map((message) => (settings.security === 'fail' ? fail(message) : odd('security', message))),
    ...(weakness === undefined ? [] : [odd('security', weakness)]),
  ];
}

/**
 * `/blog/` for `blog/index.html`: some CDNs serve it, others serve objects only, and a fallback hides which.
 */
function folderFaults({ entry, changed }: Look, answer: Answer, site: Site): Fault[] {
  if (entry === undefined) return [];
  const served = 'the CDN does not serve index pages of folders, so links must name them';
  if (answer.status === 403 || answer.status === 404)
    return [odd('content', `answers ${answer.status}: ${served}`)];
  if (answer.status !== 200) return [wrong(statusWords(answer))];
  if (site.index !== undefined && entry !== site.index && isContent(answer, site.index)) {
    return [odd('content', `serves the root page instead: ${served}`)];
  }
  const content = contentFaults(answer, entry, othersOf(entry, answer.url, site));
  return content.length > 0 ? content : headerFaults(answer.headers, entry, changed);
}

function fallbackFaults(answer: Answer, { spa, index }: Site): Fault[] {
  const { status } = answer;
  if (!spa) {
    const message = 'answers 200 for a path that does not exist (a soft 404), which hides missing files';
    if (status === 200) return [odd('spa', message)];
    return status >= 500 ? [odd('spa', `answers ${status} for a path that does not exist, not 404`)] : [];
  }
  const shows = index !== undefined && isContent(answer, index);
  if (shows && status === 200) return [];
  const what = shows
    ? `answers ${status} with the index page: browsers show it, search engines ignore it`
    : status === 200
      ? 'answers with a page other than the index page'
      : `answers ${status}`;
  const message = `${what}; in a single-page app (cdn.spa) an unknown path must answer 200 with the index page`;
  return [{ level: 'fail', kind: 'spa', message, clears: 'release' }];
}

/** A URL below the site that a page names and a browser loads. */
export interface Named {
  readonly url: URL;
  /** Without it the page looks or works wrong. */
  readonly needed: boolean;
}

/** Each URL once, as a browser requests it. */
function namedBy(html: string, page: URL, base: URL): Named[] {
  const { assets, base: ownBase } = referencesOf(html);
  const from = ownBase !== undefined && URL.canParse(ownBase, page.href) ? new URL(ownBase, page) : page;
  const named = new Map<string, Named>();
  for (const reference of assets) {
    if (!URL.canParse(reference.url, from.href)) continue;
    const url = new URL(reference.url, from);
    url.hash = '';
    if (url.origin !== base.origin || !url.pathname.startsWith(base.pathname)) continue;
    // Belongs to Cloudflare.
    if (url.pathname.startsWith('/cdn-cgi/')) continue;
    const needed = reference.needed || named.get(url.href)?.needed === true;
    named.set(url.href, { url, needed });
  }
  return [...named.values()];
}
