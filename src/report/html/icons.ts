import type { Outcome } from '../model.ts';
import { type Markup, raw } from './markup.ts';

/** Drawn, because font symbols look different on every machine. Strokes on a field of 24 × 24. */
const paths: Readonly<Record<Outcome, string>> = {
  confirmed: 'M6.5 12.5l3.7 3.7 7.3-8',
  unchanged: 'M7 9.5h10M7 14.5h10',
  reverted: 'M8.5 6.5L5 10l3.5 3.5M5.5 10H14a4.5 4.5 0 010 9h-3',
  undone: 'M8.5 6.5L5 10l3.5 3.5M5.5 10H14a4.5 4.5 0 010 9h-3',
  'failed-before-change': 'M7.5 7.5l9 9M16.5 7.5l-9 9',
  interrupted: 'M9 7v10M15 7v10',
  split: 'M12 19v-6M12 13L6.5 6M12 13l5.5-7',
};

/** Colors of the tab's icon, readable on light and dark tabs. */
const colours: Readonly<Record<Outcome, string>> = {
  confirmed: '1a7f4b',
  unchanged: '5b6673',
  reverted: 'c2570c',
  undone: 'a16207',
  'failed-before-change': 'c62a2f',
  interrupted: '7c4dbe',
  split: 'b00020',
};

export function icon(outcome: Outcome): Markup {
  return raw(
    `<svg class="icon" viewBox="0 0 24 24" width="28" height="28" aria-hidden="true"><path d="${paths[outcome]}"/></svg>`,
  );
}

export function tabIcon(outcome: Outcome): string {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><circle cx="12" cy="12" r="12" fill="#${colours[outcome]}"/><path d="${paths[outcome]}" fill="none" stroke="#fff" stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round"/></svg>`;
  return `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`;
}
