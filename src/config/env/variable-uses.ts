/** A variable that a text of a compose file refers to. */
export interface VariableUse {
  readonly name: string;
  /** The default if the variable is not set; undefined: it must be set. */
  readonly fallback: string | undefined;
}

/** Compose's interpolation (interpolate.ts), read for its names: `$NAME`, `${NAME}` and `${NAME:-default}`. */
export function usesIn(text: string): VariableUse[] {
  const uses: VariableUse[] = [];
  const pattern = /\$(?:\$|([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?:(:?[-?+])|(?=\})))/g;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const [, plain, braced, operator] = match;
    if (plain !== undefined) uses.push({ name: plain, fallback: undefined });
    if (braced === undefined) continue;
    const operand = operator === undefined ? '' : operandAt(text, pattern.lastIndex);
    if (operator?.endsWith('-')) uses.push({ name: braced, fallback: operand });
    else if (operator?.endsWith('+')) uses.push({ name: braced, fallback: '' });
    else uses.push({ name: braced, fallback: undefined });
    // The search goes on inside of the operand, where there may be more of them.
  }
  return uses;
}

function operandAt(text: string, start: number): string {
  let open = 1;
  for (let index = start; index < text.length; index++) {
    if (text[index] === '{') open++;
    if (text[index] === '}' && --open === 0) return text.slice(start, index);
  }
  return '';
}

/** A text of a compose file, and where it is. */
export interface PlacedText {
  /** The service, or the top-level section, that it belongs to. */
  readonly user: string;
  /** Keys and positions that lead to it: `services`, `web`, `ports`, `0`. */
  readonly path: readonly string[];
  readonly text: string;
}

/**
 * All texts of a compose file. Keys are not interpolated, and extensions (`x-…`) count where they are merged in.
 */
export function* textsIn(root: unknown): Generator<PlacedText> {
  const map = root !== null && typeof root === 'object' ? (root as Record<string, unknown>) : {};
  for (const [section, value] of Object.entries(map)) {
    if (section !== 'services') yield* under(section, [section], value);
    else if (value !== null && typeof value === 'object') {
      for (const [service, definition] of Object.entries(value))
        yield* under(service, [section, service], definition);
    }
  }
}

function* under(user: string, path: readonly string[], value: unknown): Generator<PlacedText> {
  if (user.startsWith('x-')) return;
  if (typeof value === 'string') yield { user, path, text: value };
  else if (value !== null && typeof value === 'object') {
    for (const [key, inner] of Object.entries(value)) yield* under(user, [...path, key], inner);
  }
}
