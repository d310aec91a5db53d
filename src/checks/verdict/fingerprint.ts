import { createHash } from 'node:crypto';
import type { Place } from '../../kernel/errors.ts';
import type { Finding, Level } from '../model.ts';
import { folderOf } from '../repo.ts';
import { meaningOf } from './meaning.ts';

/** The lines of a file of the repository; undefined when there is no such text. */
export type LinesOf = (file: string) => readonly string[] | undefined;

/**
 * A fingerprint for each finding, in their order: 16 hex digits, the same in every run for the same finding.
 *
 * It is made of what the finding says (see meaning.ts: not of which of two tools says it), of its file, and of its subject
 * or else of the text of its line without blanks and of its message without numbers. So it survives lines that move, and
 * code that is indented or spaced anew. Where all of that is equal, findings are counted from the top of the file: when
 * the first of two equal ones is mended, the second takes its fingerprint, and that of the second is gone. Thus a baseline
 * accepts as many of them as there were, and one more always fails.
 *
 * @param realm keeps the fingerprints of one set of findings apart from those of another.
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
 * Notes come last, for a note that goes must not take its number from a failure. Failures come after reviews: where one of
 * each is new and one number is accepted, it is the failure that is left.
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
  // Tools put the same thing in different words.
  if (scope === 'line') return JSON.stringify([name, file, line]);
  if (subject !== undefined) return JSON.stringify([name, file, 'subject', subject]);
  return JSON.stringify([name, file, line, lasting(finding.message)]);
}

/** `42 errors in line 7` says the same tomorrow with other numbers. */
function lasting(message: string): string {
  return message
    .slice(0, mostText)
    .replace(/\b\d+(?:\.\d+)*\b/g, '#')
    .replace(/\s+/g, ' ')
    .trim();
}

/** By file, line and column; what has none comes first. */
export function byPlace(a: Place | undefined, b: Place | undefined): number {
  return (
    compare(a?.file ?? '', b?.file ?? '') ||
    (a?.line ?? 0) - (b?.line ?? 0) ||
    (a?.column ?? 0) - (b?.column ?? 0)
  );
}

/** By code units: the same on every machine, whatever its language. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
