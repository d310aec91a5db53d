/** A text of a compose file with one character for each `${…}`, so that it can be split. */
export interface Masked {
  readonly text: string;
  /** Variables that have to be set for the n-th placeholder: one, or those within its default. */
  readonly names: readonly (readonly string[])[];
}

/** Placeholders are private characters, which no compose file has. */
const first = 0xe000;
const hole = '[\ue000-\uf8ff]';
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

export function namesAt({ names }: Masked, placeholder: string): readonly string[] {
  return names[placeholder.charCodeAt(0) - first] ?? [];
}

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

/**
 * The kind of value that a variable needs where a compose file uses it:
 * - `fixed`: one value that Docker Compose accepts there; `fits` judges others;
 * - `port`: a free number, or a range of `span` numbers; `after`: the distance above another variable's value; `isEntry`:
 *   a whole entry of `ports`, such as `8080:80`, but not `127.0.0.1:80`;
 * - `path`: a path, or one of the names in `or`;
 * - `registry`: with a trailing slash where the text has none.
 */
export type Want =
  | { readonly kind: 'fixed'; readonly value: string; readonly fits?: (value: string) => boolean }
  | {
      readonly kind: 'port';
      readonly span: number;
      readonly after?: { readonly name: string; readonly by: number };
      readonly isEntry?: boolean;
    }
  | { readonly kind: 'path'; readonly or?: readonly string[] }
  | { readonly kind: 'registry'; readonly slash: boolean }
  | { readonly kind: 'ip' | 'image' | 'name' | 'any' };

type Wants = Map<string, Want>;

const digits = /^\d+$/;
const holes = new RegExp(hole, 'g');

/** @param form the form of valid values; default: only this value is valid. */
export function fixed(value: string, form?: RegExp): Want {
  return { kind: 'fixed', value, ...(form === undefined ? {} : { fits: (text: string) => form.test(text) }) };
}

/** The kind of a variable that is only a part of the value: `${N}m`, `linux/${ARCH}`. */
export function partOf(want: Want, { text }: Masked, at: number): Want {
  if (want.kind === 'path') return at === 0 ? want : { kind: 'name' };
  if (want.kind === 'port' || want.kind === 'ip') return fixed('1', digits);
  if (want.kind !== 'fixed') return want;
  if (want.value === 'linux/amd64') return fixed('amd64');
  // A literal digit or unit beside it: it is a number.
  return /\d/.test(want.value) && /[\d.]|[a-z]$/i.test(text.replace(holes, '')) ? fixed('1', digits) : want;
}

/** `[[IP:]PUBLISHED:]TARGET[/PROTOCOL]`, where ports may be ranges. */
export function portWants(masked: Masked): Wants {
  const wants: Wants = new Map();
  if (isHole(masked.text)) {
    put(wants, masked, masked.text, { kind: 'port', span: 1, isEntry: true });
    return wants;
  }
  const [address = '', protocol = ''] = masked.text.split('/');
  for (const match of protocol.match(holes) ?? [])
    put(wants, masked, match, fixed('tcp', /^(?:tcp|udp|sctp)$/));
  const parts = address.split(/:(?![^[]*\])/);
  const [target = '', published = '', ip = ''] = parts.toReversed();
  for (const match of ip.match(holes) ?? [])
    put(wants, masked, match, ip.length === 1 ? { kind: 'ip' } : fixed('1', digits));
  const spans = [spanOf(published), spanOf(target)];
  const span = spans.find((candidate) => candidate !== undefined) ?? 1;
  for (const part of [published, target]) rangeWants(wants, masked, part, span);
  return wants;
}

function rangeWants(wants: Wants, masked: Masked, part: string, span: number): void {
  if (isHole(part)) put(wants, masked, part, { kind: 'port', span });
  const [from = '', to] = part.split('-');
  if (to !== undefined && isHole(from)) put(wants, masked, from, { kind: 'port', span: 1 });
  if (to !== undefined && isHole(to)) {
    const [name] = isHole(from) ? namesAt(masked, from) : [];
    if (name !== undefined) put(wants, masked, to, { kind: 'port', span: 1, after: { name, by: span - 1 } });
    else if (digits.test(from)) put(wants, masked, to, fixed(String(Number(from) + span - 1), digits));
  }
  if (to !== undefined && isHole(from) && digits.test(to))
    put(wants, masked, from, fixed(String(Number(to) - span + 1), digits));
  // Joined with other text: an address with its colon, or digits of the number.
  const [first = ''] = part;
  const [name = ''] = isHole(first) && to === undefined && part.length > 1 ? namesAt(masked, first) : [];
  if (/BIND|IP|HOST|ADDR|LISTEN|INTERFACE/.test(name.replace(/PORT/, ''))) {
    put(wants, masked, first, fixed('127.0.0.1:', /^(?:[\d.]+:)?$/));
    rangeWants(wants, masked, part.slice(1), span);
  }
  for (const match of part.match(holes) ?? []) put(wants, masked, match, fixed('1', digits));
}

/** Number of ports in a range of literal numbers. */
function spanOf(part: string): number | undefined {
  const [, from, to] = /^(\d+)-(\d+)$/.exec(part) ?? [];
  return from === undefined ? undefined : Math.max(1, Number(to) - Number(from) + 1);
}

/** `[SOURCE:]TARGET[:MODE]`. */
export function volumeWants(masked: Masked, declared: readonly string[]): Wants {
  const wants: Wants = new Map();
  const parts = masked.text.split(':');
  const [first = '', second, mode = ''] = parts;
  for (const [index, part] of [first, second ?? ''].entries()) {
    const isSource = index === 0 && second !== undefined;
    for (const match of part.match(holes) ?? []) {
      const like = isSource ? named(part, declared) : undefined;
      if (like !== undefined && !isHole(part)) put(wants, masked, match, fixed(like));
      else if (part.startsWith(match))
        put(wants, masked, match, { kind: 'path', ...(isSource && isHole(part) ? { or: declared } : {}) });
      else put(wants, masked, match, { kind: 'name' });
    }
  }
  for (const match of mode.match(holes) ?? []) put(wants, masked, match, fixed('rw', /^[a-zA-Z,]+$/));
  return wants;
}

/** `${PREFIX}data` is a declared volume only with one value; undefined: with none, or there are several holes. */
function named(part: string, declared: readonly string[]): string | undefined {
  const [before = '', after, ...more] = part.split(new RegExp(hole));
  if (after === undefined || more.length > 0 || /[/.~]/.test(part[0] ?? '')) return undefined;
  const name = declared.find(
    (candidate) =>
      candidate.startsWith(before) && candidate.endsWith(after) && candidate.length >= part.length - 1,
  );
  return name?.slice(before.length, name.length - after.length);
}

/** `[REGISTRY/]NAME[:TAG][@DIGEST]`. */
export function imageWants(masked: Masked): Wants {
  const wants: Wants = new Map();
  const [reference = '', digest = ''] = masked.text.split('@');
  for (const match of digest.match(holes) ?? [])
    put(
      wants,
      masked,
      match,
      fixed(`${isHole(digest) ? 'sha256:' : ''}${'0'.repeat(64)}`, /^(?:sha256:)?[\da-f]{64}$/),
    );
  const slash = reference.lastIndexOf('/');
  const colon = reference.indexOf(':', slash + 1);
  const name = colon < 0 ? reference : reference.slice(0, colon);
  for (const match of (colon < 0 ? '' : reference.slice(colon)).match(holes) ?? [])
    put(wants, masked, match, { kind: 'name' });
  if (isHole(name)) {
    put(wants, masked, name, { kind: 'image' });
    return wants;
  }
  for (const [index, match] of (name.match(holes) ?? []).entries()) {
    const at = name.indexOf(match);
    const isFirst = index === 0 && at === 0;
    const next = name[1] ?? '';
    const isRegistry = isFirst && /REGISTRY|REPO|HUB|PREFIX|NAMESPACE/i.test(namesAt(masked, match)[0] ?? '');
    const isOwner = /USER|OWNER|ORG|NAMESPACE|ACCOUNT/i.test(namesAt(masked, match)[0] ?? '');
    if (isFirst && next === '/' && !isOwner) put(wants, masked, match, { kind: 'registry', slash: false });
    else if (isRegistry) put(wants, masked, match, { kind: 'registry', slash: true });
    else put(wants, masked, match, { kind: 'name' });
  }
  return wants;
}

function put(wants: Wants, masked: Masked, placeholder: string, want: Want): void {
  for (const name of namesAt(masked, placeholder)) if (!wants.has(name)) wants.set(name, want);
}
