import { counted } from '../../kernel/figures.ts';
import { codeParts, oneLine, plain } from '../text.ts';

/** Finished HTML. Only `html` creates it and escapes all other values. */
export interface Markup {
  readonly markup: string;
}

type Value = Markup | string | number | undefined | false | readonly Value[];

/** A template that escapes every value that is not markup itself. */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Markup {
  return { markup: String.raw({ raw: strings }, ...values.map(render)) };
}

/** Markup from Sluice's own text, such as a style sheet; never for foreign text. */
export function raw(markup: string): Markup {
  return { markup };
}

function render(value: Value): string {
  if (value === undefined || value === false) return '';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return escaped(plain(value));
  return 'markup' in value ? value.markup : value.map(render).join('');
}

/** Text whose names stay whole; if a line is too short for a name, it breaks after `@`, `.` or `/`. */
export function breakable(text: string): Markup {
  const words = text.split(/( +)/).map((word) => {
    const parts = word.length > 12 ? word.split(/(?<=[@./])(?=.)/) : [word];
    const joined = parts.map(render).join('<wbr>');
    return parts.length === 1 ? joined : `<span class="whole">${joined}</span>`;
  });
  return { markup: words.join('') };
}

/** One of Sluice's sentences, with backticks for code. Foreign parts may make it long, so it is cut. */
export function prose(text: string): Markup {
  const parts = codeParts(oneLine(text, 2_000)).map((part) =>
    part.code ? `<code>${render(part.text)}</code>` : breakable(part.text).markup,
  );
  return { markup: parts.join('') };
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '');
}

/** A table that scrolls sideways on a narrow screen and is reachable by keyboard. */
export function scrolling(label: string, inside: Markup, kind = ''): Markup {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${label}"><table class="${kind}">${inside}</table></div>`;
}

/** A group of hosts by name; a large group begins with its number. */
export function hostNames(hosts: readonly string[]): Markup {
  if (hosts.length <= 3)
    return html`${hosts.map((host) => html`<span class="names">${breakable(host)}</span>`)}`;
  const names = hosts.map(
    (host, index) => html`${breakable(index === hosts.length - 1 ? host : `${host},`)} `,
  );
  return html`${counted(hosts.length, 'host')} <small>${names}</small>`;
}
