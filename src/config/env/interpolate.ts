/** Why a text with `${…}` has no value. `name` is the variable it is about. */
export interface InterpolationFault {
  readonly kind: 'unset' | 'required' | 'malformed';
  readonly name: string;
}

/** @returns the variable's value, or undefined if it is not set. */
export type Lookup = (name: string) => string | undefined;

/**
 * Compose's interpolation (https://docs.docker.com/reference/compose-file/interpolation/): `$NAME`, `${NAME}`,
 * `${NAME:-default}`, `${NAME-default}`, `${NAME:?error}`, `${NAME?error}`, `${NAME:+other}`, `${NAME+other}`, nested
 * ones, and `$$` for a dollar sign. A dollar before anything else stands for itself.
 *
 * Unlike Compose, a variable that is not set and has no default is a fault and not an empty text.
 */
export function interpolate(text: string, lookup: Lookup): string | InterpolationFault {
  let result = '';
  let position = 0;
  while (position < text.length) {
    const dollar = text.indexOf('$', position);
    if (dollar < 0) return result + text.slice(position);
    result += text.slice(position, dollar);
    const rest = text.slice(dollar + 1);
    const name = /^[A-Za-z_][A-Za-z0-9_]*/.exec(rest)?.[0];
    if (rest.startsWith('$')) {
      result += '$';
      position = dollar + 2;
    } else if (name !== undefined) {
      const value = lookup(name);
      if (value === undefined) return { kind: 'unset', name };
      result += value;
      position = dollar + 1 + name.length;
    } else if (rest.startsWith('{')) {
      const length = closingBrace(rest);
      if (length === undefined) return { kind: 'malformed', name: '' };
      const value = braced(rest.slice(1, length), lookup);
      if (typeof value !== 'string') return value;
      result += value;
      position = dollar + 1 + length + 1;
    } else {
      result += '$';
      position = dollar + 1;
    }
  }
  return result;
}

/** @param text between the braces. */
function braced(text: string, lookup: Lookup): string | InterpolationFault {
  const match = /^([A-Za-z_][A-Za-z0-9_]*)(?:(:?)([-?+])(.*))?$/s.exec(text);
  if (match === null) return { kind: 'malformed', name: '' };
  const [, name = '', colon, operator, operand = ''] = match;
  const value = lookup(name);
  const given = value !== undefined && !(colon === ':' && value === '');
  switch (operator) {
    case '-':
      return given ? value : interpolate(operand, lookup);
    case '+':
      return given ? interpolate(operand, lookup) : '';
    case '?':
      return given ? value : { kind: 'required', name };
    default:
      return value ?? { kind: 'unset', name };
  }
}

/** Index of the brace that closes the first one; `${` within opens another. */
function closingBrace(text: string): number | undefined {
  let open = 0;
  for (let index = 0; index < text.length; index++) {
    if (text[index] === '{') open++;
    if (text[index] === '}' && --open === 0) return index;
  }
  return undefined;
}

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
