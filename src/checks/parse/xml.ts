import { XMLParser } from 'fast-xml-parser';

/** An element of a report that a tool wrote. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  /** Its own text, CDATA included, without that of its children. */
  readonly text: string;
}

/** One entry of fast-xml-parser's `preserveOrder` shape: a tag with its children, or a text. */
type Entry = Readonly<Record<string, unknown>>;

/**
 * Reads the XML of a report, which is untrusted: entities that the document declares are never expanded, nesting is
 * limited, and nothing is fetched.
 *
 * @returns its top element; undefined if the document is not well-formed.
 */
export function readXml(text: string): XmlElement | undefined {
  const parser = new XMLParser({
    preserveOrder: true,
    ignoreAttributes: false,
    attributeNamePrefix: '',
    parseTagValue: false,
    parseAttributeValue: false,
    trimValues: false,
    ignoreDeclaration: true,
    ignorePiTags: true,
    entityDecoder: {
      setExternalEntities: () => {},
      addInputEntities: () => {},
      reset: () => {},
      setXmlVersion: () => {},
      decode,
    },
  });
  try {
    const elements = elementsOf(parser.parse(text, true));
    return elements.length === 1 ? elements[0] : undefined;
  } catch {
    return undefined;
  }
}

/** All elements of a name at any depth below `top`, in the order of the document. */
export function descendants(top: XmlElement, name: string): XmlElement[] {
  return top.children.flatMap((child) =>
    child.name === name ? [child, ...descendants(child, name)] : descendants(child, name),
  );
}

function elementsOf(entries: readonly Entry[]): XmlElement[] {
  return entries.flatMap((entry) => {
    const name = Object.keys(entry).find((key) => key !== ':@');
    if (name === undefined || name === '#text') return [];
    const inside = entry[name] as readonly Entry[];
    const attributes = (entry[':@'] ?? {}) as Readonly<Record<string, string>>;
    const text = inside.map((child) => ('#text' in child ? String(child['#text']) : '')).join('');
    return [{ name, attributes, children: elementsOf(inside), text }];
  });
}

const named: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/** The five entities of XML and character references; any other stays as it is written. */
function decode(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|([a-z]{2,4}));/gi, (whole, decimal, hex, name) => {
    if (name !== undefined) return named[name] ?? whole;
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
