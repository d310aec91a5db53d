import { interpolate, type Lookup } from '../../../config/env/interpolate.ts';

/** A variable that a compose file refers to. */
export interface VariableUse {
  readonly name: string;
  /** It has a default or an alternative value. */
  readonly optional: boolean;
  readonly fallback: string | undefined;
}

/** All variables in a text, including those within defaults. */
export function references(text: string): VariableUse[] {
  const found: VariableUse[] = [];
  const pattern = /\$\$|\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?:(:?[-?+]))?)/g;
  for (const match of text.matchAll(pattern)) {
    const name = match[1] ?? match[2];
    if (name === undefined) continue;
    const isDefault = match[3]?.endsWith('-') === true;
    const rest = text.slice(match.index + match[0].length);
    found.push({
      name,
      optional: isDefault || match[3]?.endsWith('+') === true,
      fallback: isDefault ? operand(rest) : undefined,
    });
  }
  return found;
}

/** The text before the closing brace. */
function operand(text: string): string {
  let open = 1;
  for (let index = 0; index < text.length; index++) {
    if (text[index] === '{') open++;
    if (text[index] === '}' && --open === 0) return text.slice(0, index);
  }
  return text;
}

/** Stands for the value of a variable that is not known while checking. */
export const unknownValue = 'unset';

/**
 * Interpolates as Compose does; unset variables become {@link unknownValue} instead of an empty text.
 *
 * @param guess values for variables without a value and a default.
 */
export function fill(text: string, lookup: Lookup, guess: Lookup = () => undefined): string {
  const missing = new Set<string>();
  // Each round finds one more variable that has no value.
  for (;;) {
    const result = interpolate(
      text,
      (name) => lookup(name) ?? (missing.has(name) ? (guess(name) ?? unknownValue) : undefined),
    );
    if (typeof result === 'string') return result;
    if (result.name === '' || missing.has(result.name)) return text;
    missing.add(result.name);
  }
}

/** Every text in a value. */
export function fillAll(value: unknown, lookup: Lookup, guess: Lookup): unknown {
  if (typeof value === 'string') return fill(value, lookup, guess);
  if (Array.isArray(value)) return value.map((item) => fillAll(item, lookup, guess));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, fillAll(inner, lookup, guess)]),
  );
}
