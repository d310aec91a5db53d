/**
 * Whether a version of Python is one that `requires-python`, or Poetry's `python =`, allows.
 *
 * @param version `3.11.7`.
 * @param specifier PEP 440 (`>=3.11,<4`, `==3.12.*`, `~=3.11`) or Poetry (`^3.11`, `~3.11`, `3.12.*`, `||` between them).
 */
export function allowsPython(specifier: string, version: string): boolean {
  const actual = numbers(version);
  return specifier
    .split('||')
    .some((all) => clauses(all).every(([operator, wanted]) => matches(operator, wanted, actual)));
}

function clauses(text: string): (readonly [operator: string, version: string])[] {
  return [...text.matchAll(/(?:(===|[=!<>~]=|[<>^~])\s*)?v?(\d+(?:\.\d+)*(?:\.\*)?)/g)].map(
    ([, operator = '==', version = '']) => [operator, version] as const,
  );
}

function matches(operator: string, text: string, actual: readonly number[]): boolean {
  const wanted = numbers(text);
  const order = compare(actual, wanted);
  const isPrefix = wanted.every((part, index) => (actual[index] ?? 0) === part);
  switch (operator) {
    case '>=':
      return order >= 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '<':
      return order < 0;
    case '!=':
      return !(text.endsWith('.*') ? isPrefix : order === 0);
    case '~=':
      return order >= 0 && startsWith(actual, wanted.slice(0, -1));
    case '^':
      return order >= 0 && startsWith(actual, wanted.slice(0, 1));
    case '~':
      return order >= 0 && startsWith(actual, wanted.slice(0, Math.min(2, wanted.length)));
    default:
      // Poetry reads `python = "3.11"` as ==3.11; its authors mean 3.11.*.
      return isPrefix;
  }
}

function startsWith(actual: readonly number[], wanted: readonly number[]): boolean {
  return wanted.every((part, index) => actual[index] === part);
}

/** Below, at or above 0, as for sort(); parts that are missing count as 0. */
export function compare(left: readonly number[], right: readonly number[]): number {
  const length = Math.max(left.length, right.length);
  for (let index = 0; index < length; index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** `3.12.0rc1` → 3, 12, 0: a pre-release counts as its release. */
export function numbers(version: string): number[] {
  return (/^\d+(?:\.\d+)*/.exec(version)?.[0] ?? '').split('.').filter(Boolean).map(Number);
}
