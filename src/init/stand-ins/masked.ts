/** A text of a compose file with one character for each `${…}`, so that it can be split. */
export interface Masked {
  readonly text: string;
  /** Variables that have to be set for the n-th placeholder: one, or those within its default. */
  readonly names: readonly (readonly string[])[];
}

/** Placeholders are private characters, which no compose file has. */
const first = 0xe000;
/** One placeholder. */
export const hole = '[\ue000-\uf8ff]';
const wholeHole = new RegExp(`^${hole}$`);

/** Masks what Compose interpolates; `$$` is a dollar sign and stays. */
export function mask(text: string): Masked {
  const names: string[][] = [];
  let masked = '';
  for (let index = 0; index < text.length; ) {
    const rest = text.slice(index);
    const plain = /^\$([A-Za-z_]\w*)/.exec(rest);
    const length = plain?.[0].length ?? (/^\$\{[A-Za-z_]/.test(rest) ? closing(rest) : undefined);
    if (rest.startsWith('$$')) {
      masked += '$';
      index += 2;
    } else if (length === undefined || names.length > 1000) {
      masked += rest[0];
      index += 1;
    } else {
      masked += String.fromCharCode(first + names.length);
      names.push(plain === null ? needed(rest.slice(2, length - 1)) : [plain[1] ?? '']);
      index += length;
    }
  }
  return { text: masked, names };
}

/** Variables of a placeholder. */
export function namesAt({ names }: Masked, placeholder: string): readonly string[] {
  return names[placeholder.charCodeAt(0) - first] ?? [];
}

/** Whether a part is exactly one placeholder. */
export function isHole(part: string): boolean {
  return wholeHole.test(part);
}

/** `NAME`, `NAME:?…` → the variable; `NAME:-…` → those of its default; `NAME:+…` → none. */
function needed(inner: string): string[] {
  const [, name = '', operator, operand = ''] = /^(\w+)(?::?([-?+])(.*))?$/s.exec(inner) ?? [];
  if (operator === '-') return mask(operand).names.flat();
  return operator === '+' ? [] : [name];
}

function closing(text: string): number | undefined {
  let open = 0;
  for (let index = 0; index < text.length; index++) {
    if (text[index] === '{') open++;
    if (text[index] === '}' && --open === 0) return index + 1;
  }
  return undefined;
}
