import { byteLength, oneLine, plain } from './text.ts';

/** A note that GitHub shows beside the run, and at a line of a file if it has one. */
export interface Annotation {
  readonly level: 'error' | 'warning' | 'notice';
  readonly title: string;
  readonly message: string;
  readonly file?: string | undefined;
  readonly line?: number | undefined;
  readonly column?: number | undefined;
}

/** GitHub's limit of annotations a step; it drops the others silently (community discussions 26680 and 68471). */
const perLevel = 10;
const messageBytes = 4096;
/** The limit of a check run's annotation, in characters. */
const titleLength = 255;

/**
 * The annotations that GitHub shows: at most ten of a level, with messages within their limit. Of more than ten, the first
 * nine stay in their order, those with a place in a file before the others; the tenth has the number of the others.
 */
export function withinLimits(all: readonly Annotation[]): Annotation[] {
  const cut = all.map((annotation) => ({
    ...annotation,
    title: oneLine(annotation.title, titleLength),
    message: shortened(plain(annotation.message).trim()),
  }));
  return (['error', 'warning', 'notice'] as const).flatMap((level) => {
    const distinct = new Map(
      cut
        .filter((annotation) => annotation.level === level)
        .map((annotation) => [JSON.stringify(annotation), annotation]),
    );
    const ranked = [...distinct.values()].sort(
      (a, b) => Number(b.file !== undefined) - Number(a.file !== undefined),
    );
    if (ranked.length <= perLevel) return ranked;
    const missing = ranked.length - perLevel + 1;
    const more = {
      level,
      title: `${missing} more`,
      message: `GitHub shows ${perLevel} of a kind; ${missing} more are in the log and in the summary of this step.`,
    };
    return [...ranked.slice(0, perLevel - 1), more];
  });
}

function shortened(message: string): string {
  if (byteLength(message) <= messageBytes) return message;
  const note = '… (shortened; see the log)';
  const room = messageBytes - byteLength(note);
  // A cut within a character leaves a replacement character, which is removed.
  const start = Buffer.from(message)
    .subarray(0, room)
    .toString()
    .replace(/(?<!\ufffd)\ufffd+$/, '');
  return `${start}${note}`;
}
