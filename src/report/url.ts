/**
 * A URL that is safe in a link: http or https, normalized (so without quotes, blanks or line ends), without user and
 * password. Returns undefined for anything else, such as `javascript:`.
 */
export function httpUrl(text: string | undefined): string | undefined {
  if (text === undefined || text.length > 2000 || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return undefined;
  url.username = '';
  url.password = '';
  return url.href;
}
