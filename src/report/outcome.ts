import type { DeployReport, Outcome } from './model.ts';

/** The look of an outcome. Word, symbol and color always appear together, so that no reader depends on one of them. */
export interface Look {
  /** Two or three words that name the outcome. */
  readonly word: string;
  /** For text formats: Slack, Markdown. */
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

/** Whether a deploy succeeded: the new release stays, and it is reachable. */
export function isSuccess({ outcome, error }: Pick<DeployReport, 'outcome' | 'error'>): boolean {
  return (outcome === 'confirmed' && error === undefined) || outcome === 'unchanged';
}

/** The look of a report; a confirmed rollback has a separate word. */
export function lookOf(report: Pick<DeployReport, 'outcome' | 'command' | 'error'>): Look {
  if (report.outcome === 'confirmed' && !isSuccess(report))
    return { word: 'Deployed, with an error', emoji: '🔴', mark: '!', style: 'red' };
  const look = looks[report.outcome];
  return report.outcome === 'confirmed' && report.command === 'rollback'
    ? { ...look, word: 'Rolled back' }
    : look;
}
