import { readFileSync } from 'node:fs';

/**
 * The webhook's payload of a run, from the file GITHUB_EVENT_PATH. It is untrusted input: each field may be missing or have
 * another type than in `Payload`.
 *
 * @returns undefined if it is missing or not a JSON object.
 */
export function readPayload<Payload>(path: string | undefined): Payload | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path ?? '', 'utf8'));
    return typeof value === 'object' && value !== null ? (value as Payload) : undefined;
  } catch {
    return undefined;
  }
}
