/** Texts that try to leave the place they are put in: what a container, a branch or a compose file may hold. */
export const hostileTexts: readonly string[] = [
  'a | b || c \\| d',
  '`code` ``` ```mermaid\ngantt',
  '</script><script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onmouseover='alert(1)",
  '</code></details></td></tr></table><h1>owned</h1>',
  '<!-- --> <!channel> <@U123> <https://evil.example|click>',
  '@everyone @here @channel @acme/owners deploy@here',
  'line one\nline two\r\n\r\n# heading\n\n- item\n> quote',
  '\u202egnissim\u202c \u2066isolate\u2069 \u200f\u200e\u061c',
  '\u001b[31mred\u001b[0m \u001b]8;;https://evil.example\u0007link\u001b]8;;\u0007 \u0007\u0000',
  '::error::no ##[error]no ::add-mask::x',
  '[link](https://evil.example) ![img](https://evil.example/x.png)',
  '$\\frac{1}{0}$ $`x`$ $$y$$',
  'gantt : crit, 0, 1 ; # %% comment',
  'section evil',
  'click evil href "javascript:alert(1)"',
  '%%{init: {"securityLevel": "loose"}}%%',
  'lone \ud800 surrogate \udc00',
  '名前 🧑‍💻 Ünïcödé',
  '&lt;script&gt; &amp; &#64;everyone',
  '~~~\n***bold*** __x__ ~~y~~ *z*',
  `$${'{'}jndi:ldap://x} {{7*7}} <%= 7*7 %>`,
  '</style></title></svg><svg onload=alert(1)>',
  '',
];

/** Words of a deploy's report that say what a value is, and places and times: all else in it comes from outside. */
const ofDeploy: ReadonlySet<string> = new Set([
  'command',
  'outcome',
  'kind',
  'startedAt',
  'finishedAt',
  'colour',
]);

/** A report in which every text is foreign, `seed` telling which. Hosts keep their events, as they do in life. */
export function hostile<T>(report: T, seed = 0, fixed = ofDeploy): T {
  const known = new Map<string, string>();
  let next = seed;
  const poison = (text: string): string => {
    const seen = known.get(text);
    if (seen !== undefined) return seen;
    const poisoned = `${hostileTexts[next++ % hostileTexts.length]}${next}`;
    known.set(text, poisoned);
    return poisoned;
  };
  const walk = (value: unknown): unknown => {
    if (typeof value === 'string') return poison(value);
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, fixed.has(key) ? item : walk(item)]),
    );
  };
  return walk(report) as T;
}

/** Five megabytes of log with everything in it. */
export function hugeLog(): string {
  const line = `${hostileTexts.join(' ')} Ünïcödé 名前 🧑‍💻\n`;
  return line.repeat(Math.ceil((5 * 1024 * 1024) / Buffer.byteLength(line)));
}
