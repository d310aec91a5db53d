/** Patterns of secrets, with their names in messages. */
const shapes: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY/, 'a private key'],
  [/-----BEGIN PGP/, 'a private key'],
  [/hooks\.slack\.com\/(?:services|workflows|triggers)\//i, 'a webhook’s URL'],
  [/discord(?:app)?\.com\/api\/webhooks\//i, 'a webhook’s URL'],
  [/\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,})/, 'a GitHub token'],
  [/\bglpat-[\w-]{16,}/, 'a GitLab token'],
  [/\bxox[abeprs]-[\w-]{10,}/, 'a Slack token'],
  [/\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/, 'an AWS access key'],
  [/\b(?:sk|rk|pk)_(?:live|test)_\w{10,}/, 'an API key'],
  [/\bsk-[\w-]{20,}/, 'an API key'],
  [/\b(?:npm_|dckr_pat_|pypi-|hf_|SG\.)[\w-]{16,}/, 'a token'],
  [/(?<![\w-])eyJ[\w-]{10,}\.eyJ[\w-]{10,}\./, 'a JSON web token'],
  // scheme://user:password@host; SQLAlchemy's schemes have an underscore (postgresql+psycopg_async)
  [/^[a-z][a-z0-9+._-]*:\/\/[^\s/:@]*:[^\s/@]+@/i, 'a URL with a password'],
];

/** The kind of secret by its form, such as "a private key"; undefined if unknown. */
export function shapeOf(value: string): string | undefined {
  return shapes.find(([pattern]) => pattern.test(value))?.[1];
}

/**
 * A user and perhaps a password before a host, also without a scheme as in .npmrc; a field of a JSON text (Docker's
 * `auths`, node-config's passwords); an option or a part of a query.
 */
const within = [
  /\/\/[^/?#\s]*@/,
  /"(?:auths?|[\w-]{0,40}(?:passw(?:or)?d|secret|token|private[-_]?key|api[-_]?key)[\w-]{0,40})"\s?:/i,
  /(?:passw(?:or)?d|pwd|secret|token|(?:api|access)[-_]?key|[?&;]sig(?:nature)?)=[^\s&;]/i,
];

/** Whether a value is a credential, or contains one. */
export function opensByForm(value: string): boolean {
  return shapeOf(value) !== undefined || within.some((pattern) => pattern.test(value));
}
