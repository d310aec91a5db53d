import { expect, test } from 'vitest';
import { root } from '../../house/imports.ts';
import { allPatterns, hostileTo, isCheap } from '../../house/patterns.ts';
import { builtPatterns, shortTexts } from '../../house/patterns-known.ts';

/** What a pattern may take for 1 MB that was made to be slow for it: a quadratic one takes minutes. */
const limitMs = 10_000;
/** No name, no path and no line that a person writes is longer. */
const shortLength = 1024;
const { literals, built } = allPatterns(root);
/** A pattern without a part that may be repeated without end costs no more than its length. */
const distinct = [
  ...new Map(
    literals
      .filter(({ source }) => /[*+]|\{\d*,\d*\}/.test(source))
      .map((literal) => [`${literal.source}/${literal.flags}`, literal]),
  ).values(),
];

test('there are patterns, and the worst one known is found', () => {
  expect(literals.length).toBeGreaterThan(1500);
  const worst = { at: 'src/kernel/foreign.ts:18', source: '^(\\s*)::', flags: 'gm' };
  expect(hostileTo(worst, 1_000_000, 500)).toBeDefined();
});

test('no pattern takes the square of its text: 1 MB of what is worst for it, made of its own parts', () => {
  const slow = distinct
    .filter(({ source }) => !Object.hasOwn(shortTexts, source))
    .flatMap((pattern) =>
      hostileTo(pattern, 1_000_000, limitMs) === undefined
        ? []
        : [`${pattern.at} /${pattern.source}/${pattern.flags}`],
    );
  expect(slow).toEqual([]);
});

test('patterns that see short texts alone are listed with what they see, exist, and take it', () => {
  const known = new Set(literals.map(({ source }) => source));
  expect(Object.keys(shortTexts).filter((source) => !known.has(source))).toEqual([]);
  for (const pattern of distinct.filter(({ source }) => Object.hasOwn(shortTexts, source)))
    expect([pattern.at, isCheap(pattern, shortLength, limitMs)]).toEqual([pattern.at, true]);
});

test('files that build patterns of texts are listed with what they put in', () => {
  expect([...new Set(built.map((at) => at.replace(/:\d+$/, '')))].sort()).toEqual(
    Object.keys(builtPatterns).sort(),
  );
});
