/**
 * Puts ARG and ENV into a text: `$X`, `${X}`, `${X:-default}`, `${X:+other}`.
 *
 * @returns undefined where a variable has no value that could be known here.
 */
export function expand(text: string, variables: ReadonlyMap<string, string | undefined>): string | undefined {
  let isKnown = true;
  const result = text.replace(
    /\\\$|\$(?:(\w+)|\{(\w+)(?:(:?[-+?])([^{}]*))?\})/g,
    (whole, plain?: string, braced?: string, operator?: string, operand = '') => {
      const name = plain ?? braced;
      if (name === undefined) return whole.slice(1);
      const value = variables.get(name);
      if (operator?.endsWith('+')) return value === undefined || value === '' ? '' : operand;
      if (value !== undefined && (value !== '' || operator !== ':-')) return value;
      if (operator?.endsWith('-')) return operand;
      isKnown = false;
      return '';
    },
  );
  return isKnown ? result : undefined;
}
