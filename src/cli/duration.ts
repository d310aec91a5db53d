import { parseDuration } from '../config/sluice-yml/human.ts';
import { UserError } from '../kernel/errors.ts';

/** Reads `--watch`; ms. @throws UserError `usage.argument`. */
export function parseWatch(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseDuration(text);
  if (ms !== undefined && ms <= 3_600_000) return ms;
  throw new UserError({
    code: 'usage.argument',
    message: `--watch ${text}: expected a duration up to an hour, such as 30s or 5m`,
  });
}
