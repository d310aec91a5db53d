import type { HealthRecord } from './model.ts';

/** Hosts with the same health of a service; unhealthy ones come first. */
export interface HealthGroup {
  readonly record: HealthRecord;
  readonly hosts: readonly string[];
}

/** Groups hosts, so that ten healthy hosts are one entry. */
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
