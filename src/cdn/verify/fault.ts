import type { VerifyFinding } from '../model.ts';

/** What is wrong with one answer. `message` goes on after `https://example.com/: `. */
export interface Fault {
  readonly level: VerifyFinding['level'];
  readonly kind: VerifyFinding['kind'];
  readonly message: string;
  /**
   * Whether time may mend it: `release`, an invalidation takes a while, and whether the release is there depends on
   * it; `soon`, the same, of something that would not stop a release; `never`, somebody has to change a setting.
   */
  readonly mends: 'release' | 'soon' | 'never';
}

/** Something that is not as published. */
export function wrong(message: string): Fault {
  return { level: 'fail', kind: 'content', message, mends: 'release' };
}

/** Something a person should know, which is a matter of settings. */
export function odd(kind: Fault['kind'], message: string): Fault {
  return { level: 'warn', kind, message, mends: 'never' };
}

/** Fails first; what is wrong with many URLs in the same way is told once. */
export function findingsOf(all: readonly { readonly url: string; readonly faults: readonly Fault[] }[]) {
  const alike = new Map<string, { readonly url: string; readonly fault: Fault; others: number }>();
  for (const { url, faults } of all) {
    for (const fault of faults) {
      const key = `${fault.level} ${fault.kind} ${fault.message}`;
      const known = alike.get(key);
      if (known === undefined) alike.set(key, { url, fault, others: 0 });
      else if (known.url !== url) known.others++;
    }
  }
  const findings = [...alike.values()].map(
    ({ url, fault: { level, kind, message }, others }): VerifyFinding => {
      const more = others === 0 ? '' : ` (and ${others} more ${others === 1 ? 'URL' : 'URLs'})`;
      return { level, kind, url, message: `${message}${more}` };
    },
  );
  const order = (finding: VerifyFinding) => (finding.level === 'fail' ? 0 : 1);
  return findings.sort((a, b) => order(a) - order(b));
}
