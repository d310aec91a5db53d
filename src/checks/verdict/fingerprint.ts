import { createHash } from 'node:crypto';
import type { Place } from '../../kernel/errors.ts';
import type { Finding, Level } from '../model.ts';
import { folderOf } from '../repo.ts';
import { meaningOf } from './meaning.ts';

/** The lines of a file of the repository; undefined if it is missing or not text. */
export type LinesOf = (file: string) => readonly string[] | undefined;

/**
 * A fingerprint for each finding, in their order: 16 hex digits, the same in every run for the same finding.
 *
 * Its parts are the meaning of the finding (meaning.ts: the same for several tools), its file, and its subject or else the
 * text of its line without blanks and its message without numbers. So it survives moved lines and reformatted code. If all
 * of these are equal, findings are numbered from the top of the file: if the first of two equal ones is fixed, the second
 * takes its fingerprint, and that of the second is gone. Thus a baseline accepts the same number of equal findings as
 * before, and one more always fails.
 *
 * @param realm separates the fingerprints of different sets of findings.
 */
export function fingerprints(findings: readonly Finding[], linesOf: LinesOf, realm = ''): string[] {
  const counts = new Map<string, number>();
  const made = new Map<Finding, string>();
  for (const finding of findings.toSorted(byTurn)) {
    const identity = identityOf(finding, linesOf);
    const number = counts.get(identity) ?? 0;
    counts.set(identity, number + 1);
    const hash = createHash('sha256').update(`${realm}${identity}#${number}`);
    made.set(finding, hash.digest('hex').slice(0, 16));
  }
  return findings.map((finding) => made.get(finding) ?? '');
}

/**
 * Notes come last, so that a removed note does not change the number of a failure. Failures come after reviews: if one of
 * each is new and one number is accepted, the failure remains.
 */
const turns: readonly Level[] = ['review', 'fail', 'note'];

function byTurn(a: Finding, b: Finding): number {
  return (
    turns.indexOf(a.level) - turns.indexOf(b.level) || byPlace(a.at, b.at) || compare(a.message, b.message)
  );
}

/** A minified file is one line of megabytes, with a thousand findings. */
const mostText = 1000;

function identityOf(finding: Finding, linesOf: LinesOf): string {
  const { name, scope } = meaningOf(finding);
  const { subject, at } = finding;
  const file = at?.file ?? '';
  const text = at?.line === undefined ? '' : (linesOf(file)?.[at.line - 1] ?? '');
  const line = text.trimStart().slice(0, mostText).replace(/\s+/g, '');
  if (scope === 'folder') return JSON.stringify([name, folderOf(file), subject ?? '']);
  if (scope === 'file') return JSON.stringify([name, file]);
  // Messages differ between tools.
  if (scope === 'line') return JSON.stringify([name, file, line]);
  if (subject !== undefined) return JSON.stringify([name, file, 'subject', subject]);
  return JSON.stringify([name, file, line, lasting(finding.message)]);
}

/** Without numbers, which change between runs: `42 errors in line 7`. */
function lasting(message: string): string {
  return message
    .slice(0, mostText)
    .replace(/\b\d+(?:\.\d+)*\b/g, '#')
    .replace(/\s+/g, ' ')
    .trim();
}

/** By file, line and column; missing ones come first. */
export function byPlace(a: Place | undefined, b: Place | undefined): number {
  return (
    compare(a?.file ?? '', b?.file ?? '') ||
    (a?.line ?? 0) - (b?.line ?? 0) ||
    (a?.column ?? 0) - (b?.column ?? 0)
  );
}

/** By code units: the same in every locale. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
