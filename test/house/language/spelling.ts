import type { Word } from './word-list.ts';

/** American spelling. "cancelled" stays: it is GitHub's word for a state, and Americans read it without a stumble. */
export const spelling: readonly Word[] = [
  { pattern: /\bcolour(?:s|ed|ing|less|ful)?\b(?!=)/, better: 'color' },
  { pattern: /\bbehaviours?\b/, better: 'behavior' },
  {
    pattern: /\b(?:hon|fav|flav|neighb|lab|rum|harb|rig|vig|end?eav)ours?(?:ed|ing|able|ite|ites|hood)?\b/,
    better: '-or',
  },
  {
    pattern:
      /\b(?:organ|recogn|normal|optim|serial|initial|minim|maxim|summar|author|synchron|custom|categor|standard|capital|real|util|special|emphas|final|general|visual|token|sanit|priorit|character|central|local|parameter|random|apolog)is(?:e|es|ed|er|ers|ing|ation|ations)\b(?!\.ts)/,
    better: '-ize',
  },
  { pattern: /\banalys(?:e|es|ed|ing)\b/, better: 'analyze' },
  { pattern: /\blicences?\b/, better: 'license' },
  { pattern: /\b(?:cent|met|fib|lit|theat)res?\b/, better: '-er' },
  { pattern: /\b(?:defence|offence|pretence)s?\b/, better: '-ense' },
  { pattern: /\bgrey\b/, better: 'gray' },
  { pattern: /\bjudgements?\b/, better: 'judgment' },
  { pattern: /\bartefacts?\b/, better: 'artifact' },
  { pattern: /\bcatalogues?\b(?!\.ts)/, better: 'catalog' },
  { pattern: /\bprogrammes?\b/, better: 'program' },
  {
    pattern: /\b(?:label|model|signal|level|total|travel|fuel|channel|tunnel)l(?:ed|ing)\b/,
    better: 'one l: labeled, modeled',
  },
  { pattern: /\bfulfils?\b/, better: 'fulfill' },
  { pattern: /\b(?:mis)?spelt\b/, better: 'spelled, misspelled' },
  { pattern: /\b(?:learnt|burnt|dreamt)\b/, better: '-ed' },
  { pattern: /\b(?:whilst|amongst)\b/, better: 'while, among' },
  { pattern: /\bfor ever\b/, better: 'permanently, forever' },
  { pattern: /\btime-outs?\b/, better: 'timeout' },
  { pattern: /\btime stamps?\b/, better: 'timestamp' },
  { pattern: /\bthrow-away\b/, better: 'temporary, throwaway' },
];
