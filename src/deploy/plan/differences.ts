import type { ComposeService } from '../../config/model.ts';
import { canonical } from './hashes.ts';

/** Keys that do not change a container, or that other parts of the plan report. */
const aside = new Set(['build', 'depends_on', 'profiles', 'scale']);

/**
 * Differences between two definitions of a service, a few words each: `image 16 → 17`, `environment TZ`, `ports`. Values
 * of variables are never shown.
 */
export function differencesOf(before: ComposeService, now: ComposeService): string[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(now)])].sort();
  return keys.flatMap((key) => {
    const [old, wanted] = [before[key], now[key]];
    if (equal(old, wanted)) return [];
    if (key === 'image') return [`image ${shortImage(old)} → ${shortImage(wanted)}`];
    if (key === 'environment') return [`environment ${changedKeys(old, wanted).join(', ')}`];
    if (key === 'labels' || key === 'deploy') return [`${key} ${changedKeys(old, wanted).join(', ')}`];
    return aside.has(key) ? [] : [key];
  });
}

function changedKeys(before: unknown, now: unknown): string[] {
  const [old, wanted] = [mapOf(before), mapOf(now)];
  const names = [...new Set([...Object.keys(old), ...Object.keys(wanted)])].sort();
  return names.filter((name) => !equal(old[name], wanted[name]));
}

function mapOf(value: unknown): Record<string, unknown> {
  return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : {};
}

/** Key order in a file never counts as a change. */
function equal(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

/** The tag, or the beginning of the digest: enough to tell two apart. */
function shortImage(image: unknown): string {
  const [name = '', digest] = String(image ?? 'none').split('@sha256:');
  return digest === undefined ? name : digest.slice(0, 8);
}
