/** A variable that a text of a compose file refers to. */
export interface VariableUse {
  readonly name: string;
  /** What the file puts where the variable is not set; undefined: it must be set. */
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

/**
 * All texts of a compose file with the service, or the top-level section, that they belong to. Keys are not
 * interpolated, and extensions (`x-…`) count where they are merged in.
 */
export function* textsIn(root: unknown): Generator<{ readonly user: string; readonly text: string }> {
  const map = root !== null && typeof root === 'object' ? (root as Record<string, unknown>) : {};
  for (const [section, value] of Object.entries(map)) {
    if (section !== 'services') yield* under(section, value);
    else if (value !== null && typeof value === 'object') {
      for (const [service, definition] of Object.entries(value)) yield* under(service, definition);
    }
  }
}

function* under(user: string, value: unknown): Generator<{ user: string; text: string }> {
  if (user.startsWith('x-')) return;
  if (typeof value === 'string') yield { user, text: value };
  else if (value !== null && typeof value === 'object') {
    for (const each of Object.values(value)) yield* under(user, each);
  }
}
