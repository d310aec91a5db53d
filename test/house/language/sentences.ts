import { blocksOf } from './markdown.ts';
import { type File, type Finding, sourceOfGenerated } from './model.ts';

const maxWords = 25;

/** Sentences of a page that are too long, stack semicolons, or say what would be. */
export function sentenceFindings({ path, text }: File): Finding[] {
  const source = sourceOfGenerated(text);
  const origin = source === undefined ? '' : ` (generated from ${source})`;
  return blocksOf(text, source !== undefined).flatMap((block) =>
    sentencesOf(block.text).flatMap(({ sentence, lines }) => {
      const finding = (found: string, better: string): Finding => ({
        path,
        line: block.line + lines,
        found,
        better: better + origin,
      });
      const words = wordsOf(sentence);
      const begin = words.slice(0, 7).join(' ');
      const findings: Finding[] = [];
      if (words.length > maxWords)
        findings.push(
          finding(`${begin} …`, `${words.length} words, at most ${maxWords}: split the sentence`),
        );
      if ((sentence.match(/;/g)?.length ?? 0) > 1)
        findings.push(finding(`${begin} …`, 'at most one semicolon: make sentences of the parts'));
      for (const [word] of sentence.matchAll(/\b(?:would|shall)\b/gi))
        findings.push(finding(`${word} (in: ${begin} …)`, 'present tense'));
      return findings;
    }),
  );
}

const end = /(?<![\s(](?:e\.g|i\.e|vs|etc|approx)\.)(?<=[.!?][*_)”"]{0,3})\s+(?=[\p{Lu}¤*_“"([\d])/u;

/** Code becomes one word, a link its text. */
function sentencesOf(block: string): { sentence: string; lines: number }[] {
  const plain = block
    .replace(/(`+)[\s\S]*?\1/g, (span) => `¤${'\n'.repeat(span.split('\n').length - 1)}`)
    .replace(/\]\([^)\s]*\)/g, ']')
    .replace(/<[^>]*>|https?:\/\/\S+/g, 'URL');
  let lines = 0;
  let rest = plain;
  const sentences: { sentence: string; lines: number }[] = [];
  while (rest !== '') {
    const match = end.exec(rest);
    const length = match === null ? rest.length : match.index;
    const sentence = rest.slice(0, length);
    sentences.push({ sentence, lines });
    const used = rest.slice(0, length + (match?.[0].length ?? 0));
    lines += used.split('\n').length - 1;
    rest = rest.slice(used.length);
  }
  return sentences;
}

function wordsOf(sentence: string): string[] {
  return sentence.split(/\s+/).filter((word) => /[\p{L}\p{N}¤]/u.test(word));
}
