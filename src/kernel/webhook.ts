import { readFileSync } from 'node:fs';

/**
 * The webhook's payload of a run, from the file that GITHUB_EVENT_PATH names. It is others' text: each field may be missing
 * or of another type than `Payload` says.
 *
 * @returns undefined for one that is missing or no JSON object.
 */
export function readPayload<Payload>(path: string | undefined): Payload | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path ?? '', 'utf8'));
    return typeof value === 'object' && value !== null ? (value as Payload) : undefined;
  } catch {
    return undefined;
  }
}
