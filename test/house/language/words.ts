import { type File, type Finding, lineAt } from './model.ts';
import { spelling } from './spelling.ts';
import { readableOf } from './texts.ts';
import { type Word, wordList } from './word-list.ts';

/** A space of a pattern matches a line break within a paragraph, too. */
const space = String.raw`(?:[ \t]*\n[ \t]*|[ \t]+)`;

const compiled = [...wordList, ...spelling].map(({ pattern, better, except }: Word) => ({
  pattern: new RegExp(pattern.source.replaceAll(' ', space), 'gim'),
  better,
  except,
}));

/** Words that read as translated, British spelling, and sentences without a subject. */
export function wordFindings(file: File): Finding[] {
  const text = readableOf(file);
  const finding = (at: number, length: number, better: string): Finding => ({
    path: file.path,
    line: lineAt(text, at),
    found: shown(file.text.slice(at, at + length)),
    better,
  });
  const words = compiled.flatMap(({ pattern, better, except }) =>
    [...text.matchAll(pattern)].flatMap((match) => {
      if (except?.test(around(text, match.index, match[0].length))) return [];
      return [finding(match.index, match[0].length, better)];
    }),
  );
  const openings = openingsOf(text).map(({ at, length }) => finding(at, length, 'name the subject'));
  return [...words, ...openings].sort((a, b) => a.line - b.line);
}

/** On one line, without the marks of a comment. */
function shown(text: string): string {
  return text.replace(/\n\s*(?:\*|\/\/|#|--)?\s*/g, ' ').trim();
}

/** The text around a match, which an exception is sought in. */
function around(text: string, at: number, length: number): string {
  return text.slice(Math.max(0, at - 30), at + length + 30).replace(/\s+/g, ' ');
}

const subjects = /\b(?:What|Whatever|Something|Who)(?=\s+[\p{L}¤])/gu;

/** Sentences, not questions and not titles, whose subject is none. */
function openingsOf(text: string): { at: number; length: number }[] {
  return [...text.matchAll(subjects)].flatMap(({ index }) => {
    const line = text.slice(text.lastIndexOf('\n', index) + 1, index);
    const isTitle =
      /^\s*#|["“]$/.test(line) ||
      (line.endsWith('**') && /^[^*\n]+[.:]\*\*/.test(text.slice(index, index + 80)));
    if (isTitle) return [];
    const sentence =
      /^[^.?!\0|]*(?:[.?!](?![\s\0*_)"”|]|$)[^.?!\0|]*)*[.?!]?/.exec(text.slice(index, index + 400))?.[0] ??
      '';
    if (sentence.endsWith('?')) return [];
    return [{ at: index, length: Math.min(sentence.trimEnd().length, 60) }];
  });
}
