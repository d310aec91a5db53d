/** What a check's programs print, for its group in the log: the beginning and the end, when it is too much. */
export interface Transcript {
  add(line: string): void;
  text(): string;
  /** The last lines, for who wants to know how it ended. */
  tail(lines: number): string;
}

const firstCharacters = 32 * 1024;
const lastCharacters = 96 * 1024;
const longestLine = 4096;

/** @param scrub takes the secrets out of a line, before it is cut. */
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
      // In larger steps: taking single lines off a long list costs more than the lines.
      if (lastSize < 2 * lastCharacters) return;
      while (lastSize > lastCharacters && last.length > 1) {
        const gone = last.splice(0, Math.ceil(last.length / 2));
        left += gone.length;
        lastSize -= gone.reduce((size, text) => size + text.length + 1, 0);
      }
    },
    text: () => [...first, ...(left === 0 ? [] : [`… ${left} lines are left out …`]), ...last].join('\n'),
    tail: (lines) => [...first, ...last].slice(-lines).join('\n'),
  };
}
