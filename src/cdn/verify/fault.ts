import type { VerifyFinding } from '../model.ts';
import { shown } from './url.ts';

/** A fault of one answer. `message` continues `https://example.com/: `. */
export interface Fault {
  readonly level: VerifyFinding['level'];
  readonly kind: VerifyFinding['kind'];
  readonly message: string;
  /**
   * Whether time may fix it. `release`: an invalidation takes a while, and the release depends on it; `soon`:
   * the same for a warning; `never`: only a changed setting fixes it.
   */
  readonly clears: 'release' | 'soon' | 'never';
}

/** A difference from the published release. */
export function wrong(message: string): Fault {
  return { level: 'fail', kind: 'content', message, clears: 'release' };
}

/** A warning about a setting. */
export function odd(kind: Fault['kind'], message: string): Fault {
  return { level: 'warn', kind, message, clears: 'never' };
}

/** URLs with the same fault that are named besides the first. */
const mostNamed = 3;

/** Failures first; the same fault of many URLs is reported once. */
export function findingsOf(all: readonly { readonly url: URL; readonly faults: readonly Fault[] }[]) {
  const alike = new Map<string, { readonly fault: Fault; readonly urls: Set<string> }>();
  for (const { url, faults } of all) {
    for (const fault of faults) {
      const key = `${fault.level} ${fault.kind} ${fault.message}`;
      const { urls } = alike.get(key) ?? { urls: new Set() };
      alike.set(key, { fault, urls: urls.add(shown(url)) });
    }
  }
  const findings = [...alike.values()].map(({ urls, fault: { level, kind, message } }): VerifyFinding => {
    const [url = '', ...others] = urls;
    return { level, kind, url, message: `${message}${othersText(others)}` };
  });
  const order = (finding: VerifyFinding) => (finding.level === 'fail' ? 0 : 1);
  return findings.sort((a, b) => order(a) - order(b));
}

/** ` (and /a, /b, /c, and 12 more)` */
function othersText(urls: readonly string[]): string {
  if (urls.length === 0) return '';
  const named = urls.slice(0, mostNamed).map((url) => new URL(url).pathname);
  const more = urls.length - named.length;
  return ` (and ${[...named, ...(more > 0 ? [`and ${more} more`] : [])].join(', ')})`;
}
