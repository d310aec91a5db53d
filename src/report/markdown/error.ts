import { formatPlace, type Place } from '../../kernel/errors.ts';
import { code, fence, inline, joinWithin, prose, table } from './escape.ts';

/** An error in a summary. */
export interface SummaryError {
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly at?: Place | undefined;
  readonly output?: string | undefined;
}

/** The summary of a run that failed before it had a report, within `bytes`. */
export function errorSummary(what: string, errors: readonly SummaryError[], bytes: number): string {
  const [first, ...others] = errors;
  if (first === undefined) return '';
  const count = others.length === 0 ? '' : ` (and ${others.length} more)`;
  const head = `## 🔴 ${inline(what, 60)}: ${inline(first.message, 600)}${count}`;
  const next = first.hint ? `**Next:** ${prose(first.hint, 1000)}` : '';
  const proof = fence(first.output ?? '', { lines: 100, bytes: Math.min(bytes / 2, 64 * 1024) });
  const where = `${first.at === undefined ? '' : `${code(formatPlace(first.at))} `}${code(first.code)}`;
  const top = joinWithin(bytes, [head, next, where, proof], '\n\n');
  const rows = others.map((summaryError) => [
    summaryError.at === undefined ? '' : code(formatPlace(summaryError.at)),
    inline(summaryError.message, 500),
    code(summaryError.code),
  ]);
  const rest = table('### Other errors', ['where', 'what', 'code'], rows, bytes - Buffer.byteLength(top) - 2);
  return joinWithin(bytes, [top, rest], '\n\n');
}
