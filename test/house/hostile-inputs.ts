import { type AST, RegExpParser } from '@eslint-community/regexpp';

/** Nothing that a pattern wants, so that it has to look for another way to match. */
const misfits = ['\u0001', '\n\u0001'];
/** Characters that mean something somewhere: a class is pumped with those of them that it has. */
const candidates = [...' \na0/-_."\'=:;,\\@#$%&*+([{<!|~?`^>}])A9é\t\r'];
const mostPumps = 3;

/** A text of any length: something, then one thing over and over, then what does not fit. */
export interface HostileInput {
  readonly head: string;
  readonly pump: string;
  readonly misfit: string;
}

export function textOf({ head, pump, misfit }: HostileInput, length: number): string {
  return head + pump.repeat(Math.max(1, Math.floor((length - head.length) / pump.length))) + misfit;
}

/**
 * Texts that cost a pattern the most, made of its own parts: each part that may be repeated is repeated, alone, behind what leads
 * to it, and together with that; then comes what does not fit.
 */
export function hostileInputs(source: string, flags: string): HostileInput[] {
  const pattern = new RegExpParser().parsePattern(source, 0, source.length, {
    unicode: flags.includes('u'),
    unicodeSets: flags.includes('v'),
  });
  const found = new Map<string, HostileInput>();
  const add = (head: string, pump: string) => {
    if (pump === '') return;
    for (const misfit of misfits) found.set(JSON.stringify([head, pump, misfit]), { head, pump, misfit });
  };
  add('', sample(pattern));
  for (const { prefix, element, next } of repeated(pattern.alternatives, '', '')) {
    for (const pump of pumps(element)) {
      add(prefix, pump);
      add('', prefix + pump);
      add('', pump);
      add(prefix, pump + next);
    }
    add('', prefix);
    add('', `${prefix}${sample(element)}${next}`);
  }
  return [...found.values()];
}

interface Repeated {
  readonly prefix: string;
  readonly element: AST.QuantifiableElement;
  readonly next: string;
}

/** More than this often is as good as without end. */
const often = 30;

function repeated(alternatives: readonly AST.Alternative[], before: string, after: string): Repeated[] {
  return alternatives.flatMap(({ elements }) =>
    elements.flatMap((element, index) => {
      const prefix = before + elements.slice(0, index).map(sample).join('');
      const next =
        elements
          .slice(index + 1)
          .map(sample)
          .join('') || after;
      return within(element, prefix, next);
    }),
  );
}

function within(element: AST.Element, prefix: string, next: string): Repeated[] {
  if (element.type === 'Quantifier') {
    const inner =
      'alternatives' in element.element ? repeated(element.element.alternatives, prefix, next) : [];
    return element.max < often ? inner : [{ prefix, element: element.element, next }, ...inner];
  }
  if ('alternatives' in element) return repeated(element.alternatives, prefix, next);
  return [];
}

/** Shortest texts that the element matches, of different kinds. */
function pumps(element: AST.QuantifiableElement): string[] {
  if (element.type === 'CharacterClass' || element.type === 'CharacterSet')
    return charactersOf(element.raw).slice(0, 2 * mostPumps);
  if ('alternatives' in element) {
    return [
      ...new Set(element.alternatives.map((alternative) => alternative.elements.map(sample).join(''))),
    ].slice(0, mostPumps);
  }
  return [sample(element)];
}

/** A text that the part matches, with one of everything that may be missing. */
function sample(part: AST.Pattern | AST.Element | AST.QuantifiableElement): string {
  switch (part.type) {
    case 'Pattern':
    case 'Group':
    case 'CapturingGroup':
      return (part.alternatives[0]?.elements ?? []).map(sample).join('');
    case 'Character':
      return String.fromCodePoint(part.value);
    case 'CharacterSet':
    case 'CharacterClass':
    case 'ExpressionCharacterClass':
      return charactersOf(part.raw)[0] ?? '';
    case 'Quantifier':
      return sample(part.element).repeat(Math.max(1, Math.min(part.min, 40)));
    default:
      return '';
  }
}

const known = new Map<string, string[]>();

function charactersOf(raw: string): string[] {
  const before = known.get(raw);
  if (before !== undefined) return before;
  let found: string[] = [];
  for (const flags of ['', 'u', 'v']) {
    try {
      const one = new RegExp(`^(?:${raw})$`, flags);
      found = candidates.filter((character) => one.test(character));
      break;
    } catch {
      // Written for other flags.
    }
  }
  if (found.length === 0)
    found = Array.from({ length: 0x250 }, (_, code) => String.fromCharCode(code))
      .filter((letter) => safeTest(raw, letter))
      .slice(0, 3);
  known.set(raw, found);
  return found;
}

function safeTest(raw: string, character: string): boolean {
  try {
    return new RegExp(`^(?:${raw})$`, 'u').test(character);
  } catch {
    return false;
  }
}
