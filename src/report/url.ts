/**
 * A URL that may stand in a link: http or https, normalised (so without quotes, blanks or line ends), without user
 * and password. Anything else, `javascript:` above all, gives undefined.
 */
export function httpUrl(text: string | undefined): string | undefined {
  if (text === undefined || text.length > 2000 || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return undefined;
  url.username = '';
  url.password = '';
  return url.href;
}
