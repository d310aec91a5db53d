/** Paths that mean the same in a URL and in a proxy's configuration: no quotes, blanks, variables or escapes. */
export const healthPathPattern = /^\/[A-Za-z0-9._~%&+,=:@/?-]*$/;

/** Whether a header may be added to a health request: HTTP's own belong to the request. */
export function isHealthHeader(name: string): boolean {
  return (
    /^[A-Za-z0-9-]{1,64}$/.test(name) &&
    !/^(?:host|connection|content-length|transfer-encoding|user-agent)$/i.test(name)
  );
}

/** Whether a text is one line of a request, and one word between quotes in HAProxy's configuration. */
export function isHealthValue(value: string): boolean {
  return /^[\x20-\x26\x28-\x7e]{1,512}$/.test(value) && !value.includes('  ') && value.trim() === value;
}
