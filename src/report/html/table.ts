import { counted } from '../../kernel/figures.ts';
import { breakable, html, type Markup } from './markup.ts';

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
