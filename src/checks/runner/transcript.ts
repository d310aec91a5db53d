/** Output of a check's programs for its group in the log: of long output the beginning and the end. */
export interface Transcript {
  add(line: string): void;
  text(): string;
  tail(lines: number): string;
}

const firstCharacters = 32 * 1024;
const lastCharacters = 96 * 1024;
const longestLine = 4096;

/** @param scrub masks the secrets of a line before it is cut. */
export function createTranscript(scrub: (line: string) => string): Transcript {
  const first: string[] = [];
  const last: string[] = [];
  let [firstSize, lastSize, left] = [0, 0, 0];
  return {
    add(line) {
      const clean = scrub(line);
      const shown = clean.length > longestLine ? `${clean.slice(0, longestLine)}…` : clean;
      if (lastSize === 0 && firstSize + shown.length <= firstCharacters) {
        first.push(shown);
        firstSize += shown.length + 1;
        return;
      }
      last.push(shown);
      lastSize += shown.length + 1;
      // In larger steps, since removing single lines from a long list is slow.
      if (lastSize < 2 * lastCharacters) return;
      while (lastSize > lastCharacters && last.length > 1) {
        const gone = last.splice(0, Math.ceil(last.length / 2));
        left += gone.length;
        lastSize -= gone.reduce((size, text) => size + text.length + 1, 0);
      }
    },
    text: () => [...first, ...(left === 0 ? [] : [`… ${left} lines omitted …`]), ...last].join('\n'),
    tail: (lines) => [...first, ...last].slice(-lines).join('\n'),
  };
}
