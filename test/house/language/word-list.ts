/** Words that a text of ours does not have. */
export interface Word {
  /** Case does not count; a space matches any white space within a paragraph. */
  readonly pattern: RegExp;
  readonly better: string;
  /** Sought in the match with 30 characters before and behind it: where it fits, the match is right as it is. */
  readonly except?: RegExp;
}

/** Each entry is right in nearly all of its hits: a pattern that is not gets narrowed. */
export const wordList: readonly Word[] = [
  { pattern: /\bmend(?:s|ed|ing)?\b/, better: 'fix' },
  {
    pattern: /\b(?:is|are|was|were|be|been|being|not|it) told\b(?! apart)/,
    better: 'is reported, is notified; cannot be determined',
  },
  { pattern: /\b(?:goes|go|went) before\b/, better: 'takes precedence over' },
  { pattern: /\b(?:what|who) there (?:is|are)\b/, better: 'the available …; name it' },
  { pattern: /\bthe (?:release|run|deploy|publication|version|state) before\b/, better: 'the previous …' },
  { pattern: /\bthe ones? before the current\b/, better: 'the previous …' },
  { pattern: /\bof before\b/, better: 'previous, earlier' },
  {
    pattern: /(?<!\bas (?:it|they) )\bstands?\b(?!-| (?:in for|for|out|by|still|alone)\b)/,
    better: 'is, appears, is set',
  },
  { pattern: /\bin (?:its|their|the) midst\b/, better: 'partway' },
  { pattern: /\blists? of such\b/, better: 'a list of those' },
  { pattern: /\blook(?:s|ed|ing)? at\b/, better: 'inspect, check, read' },
  { pattern: /\blook(?:s|ed|ing)? after\b/, better: 'check, handle' },
  { pattern: /\bworth a look\b/, better: 'to review' },
  { pattern: /\b(?:unwell|sick)\b/, better: 'unhealthy' },
  { pattern: /\b(?:is|are|was|were|be) well(?= ?[.,;:)]| again\b| and\b| or\b)/, better: 'is healthy' },
  { pattern: /\b(?:give|gives|gave|given|giving) back\b/, better: 'release (a lease), return' },
  {
    pattern:
      /\b(?:take|takes|taking|taken|took) (?:(?:the|a|an|its|that|this) )?(?:[\w¤]+ )?out\b(?! (?:an?|the)\b)/,
    better: 'remove; export, extract',
  },
  { pattern: /\b(?:take|takes|taking|taken|took) (?:(?:it|them|that) )?back\b/, better: 'undo, revert' },
  { pattern: /\bin the place of\b/, better: 'instead of; replace' },
  { pattern: /\bcarr(?:y|ies|ied|ying) (?:(?:the|an|its|all|their) )?images?\b/, better: 'transfer' },
  {
    pattern:
      /\bcarr(?:y|ied|ies|ying) (?:(?:them|it|images) )?(?:to the (?:host|server)s?|over SSH|by the deploy)\b/,
    better: 'transfer',
  },
  { pattern: /\bby hand\b/, better: 'manually' },
  { pattern: /\bfor good\b(?! (?:reason|measure))/, better: 'permanently' },
  {
    pattern: /\bno such\b(?! (?:file|host|container|image|object|process|device))/,
    better: 'there is no X; "X" is not a valid Y',
  },
  { pattern: /(?<!\bthere )\b(?:is|are|was|were) none\b(?! of)/, better: 'is not one; name it' },
  {
    pattern:
      /(?<!\bthere )\b(?:is|are|was|were) no (?!such|longer|more|less|later|earlier|fewer|different|better|worse|other|need|way|one|doubt)\w+/,
    better: 'is not a …',
  },
  {
    pattern:
      /\b(?:git|docker|compose|buildx|buildkit|bake|npm|pip|github|trivy|sluice|¤|tool|registry|engine|edge|guard|store|cdn|runner|server|host|linter|haproxy|postgres) says\b/,
    better: 'reports',
  },
  { pattern: /\bsays? so\b/, better: 'reports it, shows it' },
  {
    pattern: /\b(?:says|say) (?:how|what|which|whether|why|where|when|who)\b/,
    better: 'shows, names, describes, defines',
  },
  { pattern: /\bsays? nothing\b/, better: 'gives no information' },
  {
    // "of its own file" is a possessive; "a file of its own" is not what people say.
    pattern:
      /\bof (?:its|their|your|our|my|his) own(?= ?[.,;:()|*\0]|$| (?:and|or|but|for|that|which|when|where|with|without|is|are|was|has|have|in|on|by|beside|to|at|from|as|if|so|can|may|does|gets|needs|than|because|until|since|already|only|again|before|after|instead|not)\b)/,
    better: 'its own …, a separate …',
  },
  { pattern: /\b(?:is|are|was|were|be|been|being) asked\b/, better: 'requested, queried; name who asks' },
  { pattern: /\basked of\b/, better: 'read from, required of' },
  {
    pattern: /\bnobody\b(?!:)/,
    better: 'no one; name the actor',
    except: /\b(?:user|to|USER|as|anonymous) nobody\b/,
  },
  { pattern: /\bsomebody\b/, better: 'someone; name the actor' },
  { pattern: /\bwhoever\b/, better: 'anyone who; name the actor' },
  { pattern: /\b(?:come|comes|came|coming) to (?:its|their|a good) end\b/, better: 'finish' },
  { pattern: /\bin good order\b/, better: 'cleanly' },
  { pattern: /\bwhat (?:became|becomes) of\b/, better: 'what happens to' },
  { pattern: /\bwithout a word\b/, better: 'silently' },
  { pattern: /\bunsaid\b/, better: 'not shown' },
  { pattern: /\b(?:is|are|was|were|found|does|do) no more(?= ?[.,;:)]|$)/, better: 'no longer' },
  { pattern: /\bany more(?= ?[.,;:)\0]|$)/, better: 'no longer' },
  { pattern: /\ball the same\b/, better: 'anyway' },
  { pattern: /\bin vain\b/, better: 'without success' },
  { pattern: /\bsp(?:eaks?|oken|oke) of\b/, better: 'mention' },
  { pattern: /\b(?:let|lets|letting) (?:(?:it|them) )?in\b/, better: 'authorize, admit' },
  { pattern: /\b(?:let|lets|letting) go of\b/, better: 'release' },
  {
    pattern:
      /\b(?:goes|go|went) on(?= ?[.,;:)]| (?:as|in|until|after|without|with|while|working|serving|running)\b)/,
    better: 'continue',
  },
  { pattern: /\bserves? on(?= ?[.,;:)]| (?:meanwhile|while|until)\b)/, better: 'keep serving' },
  { pattern: /\b(?:is|are|was|were) to be\b/, better: 'must be, will be' },
  { pattern: /\b(?:for|by|of|in|with|from|to) (?:[\w.'’-]+ )?[\w.'’-]+ alone(?= ?[.,;:)])/, better: 'only' },
  { pattern: /\bthrough with\b/, better: 'finished with' },
  { pattern: /\bothers['’] (?:texts?|words?)\b/, better: 'untrusted input' },
  { pattern: /\bown words\b/, better: 'own message' },
  { pattern: /\banew\b/, better: 'again' },
  { pattern: /\bbr(?:eak|eaks|oke|oken) off\b/, better: 'abort' },
  {
    pattern: /\b(?:run|publication|deploy|one)s? (?:that )?(?:was |were |is )?cut off\b/,
    better: 'interrupted',
  },
  { pattern: /\bcut-off\b/, better: 'interrupted' },
  { pattern: /\bcan(?:not|['’]t)? be had\b/, better: 'is available' },
  { pattern: /\bin reach\b(?! of)/, better: 'reachable' },
  { pattern: /\bbut for\b/, better: 'except' },
  { pattern: /\blies? (?:in|on|at|outside|beside|under|there)\b/, better: 'is in' },
  { pattern: /\b(?:may|can) be left out\b(?! of)/, better: 'is optional' },
  { pattern: /, for one,/, better: 'for example' },
  { pattern: /\bthings to (?:fix|do|mend)\b/, better: 'problems to fix' },
  { pattern: /\bwhat for\b/, better: 'purpose' },
  { pattern: /\bhow it went\b/, better: 'the result' },
  { pattern: /\b(?:is|are) the ones? of\b/, better: 'is that of' },
  { pattern: /\b(?:is|are|was|were) not there\b/, better: 'does not exist, is missing' },
  { pattern: /\b(?:that|which) (?:is|are) there\b/, better: 'existing' },
  { pattern: /\b(?<!may or )may not\b/, better: 'cannot, must not, might not' },
  { pattern: /\b(?:needs?|lend) a hand\b/, better: 'needs manual work' },
  {
    pattern:
      /\b(?:this|that|these|those) very (?!long|much|few|little|large|small)|\bthe very (?!first|last|end|top|bottom|beginning|least|best|same)/,
    better: 'exactly this',
  },
  { pattern: /\bwhat serves\b/, better: 'the release that is serving' },
  { pattern: /\bbears?\b(?! (?:on|in mind)\b)/, better: 'supports, handles' },
  { pattern: /\bobey(?:s|ed|ing)?\b/, better: 'honor, support, follow' },
  { pattern: /\bseldom\b/, better: 'rarely' },
  { pattern: /\bmany an?\b/, better: 'many' },
  { pattern: /\b(?:go|goes|going|went|gone) back\b/, better: 'roll back, revert, return' },
  { pattern: /\bhands? (?:(?:it|them) )?on\b/, better: 'pass on' },
  { pattern: /\bhears? of\b/, better: 'is notified of' },
  { pattern: /\bput right\b/, better: 'repair' },
  { pattern: /\bthe whole of\b/, better: 'all of' },
  { pattern: /\bthieves\b/, better: 'attackers; compromised' },
  { pattern: /\b(?:bring|brings|brought) along\b/, better: 'include' },
  { pattern: /\bunder way\b/, better: 'in progress' },
  { pattern: /\bon (?:its|their) way\b/, better: 'in flight, in transit' },
  { pattern: /\b(?:a|for a) look\b(?! (?:and feel|at)\b)/, better: 'a check' },
  { pattern: /\bmakes? no sense\b/, better: 'is invalid, cannot be parsed' },
  {
    pattern:
      /\btakes? no (?!longer|more|less|time|part|action|care|parameters?|arguments?|values?|options?|notice)\w+/,
    better: 'does not accept',
  },
  { pattern: /\b(?:take|takes|taking) no notice\b/, better: 'ignore' },
];
