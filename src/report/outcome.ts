import type { Outcome } from './model.ts';

/** How an outcome looks. Word, symbol and colour always come together: no reader depends on one of them alone. */
export interface Look {
  /** Two or three words that name the outcome. */
  readonly word: string;
  /** For places that know only text: Slack, Markdown. */
  readonly emoji: string;
  /** For the terminal. */
  readonly mark: string;
  readonly style: 'green' | 'yellow' | 'red' | 'dim';
}

export const looks: Readonly<Record<Outcome, Look>> = {
  confirmed: { word: 'Deployed', emoji: '🟢', mark: '✓', style: 'green' },
  unchanged: { word: 'Unchanged', emoji: '⚪', mark: '=', style: 'dim' },
  reverted: { word: 'Reverted', emoji: '🟠', mark: '↺', style: 'yellow' },
  undone: { word: 'Undone', emoji: '🟡', mark: '↶', style: 'yellow' },
  'failed-before-change': { word: 'Failed, nothing changed', emoji: '🔴', mark: '✗', style: 'red' },
  interrupted: { word: 'Interrupted', emoji: '🟣', mark: '!', style: 'red' },
  split: { word: 'Split', emoji: '🚨', mark: '‼', style: 'red' },
};

/** The look of a report; a rollback that was confirmed is called by its own name. */
export function lookOf(report: { readonly outcome: Outcome; readonly command: string }): Look {
  const look = looks[report.outcome];
  return report.outcome === 'confirmed' && report.command === 'rollback'
    ? { ...look, word: 'Rolled back' }
    : look;
}
