import type { HealthRecord } from './model.ts';

/** Hosts on which a service said the same of itself; what is not well comes first. */
export interface HealthGroup {
  readonly record: HealthRecord;
  readonly hosts: readonly string[];
}

/** Ten hosts that are all well are one fact, not ten. */
export function alike(health: readonly HealthRecord[]): HealthGroup[] {
  const groups = new Map<string, { readonly record: HealthRecord; readonly hosts: string[] }>();
  for (const record of health) {
    const key = JSON.stringify([record.service, record.ok, record.components]);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, { record, hosts: [record.host] });
    else known.hosts.push(record.host);
  }
  return [...groups.values()].sort((a, b) => Number(a.record.ok) - Number(b.record.ok));
}
