import { isIP } from 'node:net';
import { z } from 'zod';
import { formatAddress, parseAddress, parseHostKey } from '../../address.ts';
import { healthPathPattern, isHealthHeader, isHealthValue } from '../../health/request-syntax.ts';
import { tryParseImage } from '../../images/reference.ts';
import { parseBytes, parseDuration, parseRate } from '../human.ts';

/** The kinds of values in sluice.yml. Their error texts finish the sentence "services.backend.port: …". */

export const mapRule = 'must be a map (key: value)';

export function oneOf<const T extends readonly [string, ...string[]]>(names: T) {
  return z.enum(names, { error: `must be one of ${names.join(', ')}` });
}

/** A week: whatever is longer is a mistake in the unit. */
const longest = 7 * 86_400_000;
const durationRule = 'must be a duration such as 500ms, 30s or 5m';
const durationPattern = /^(\d+(\.\d+)?(ms|s|m|h|d))+$/;

/** `30s` → milliseconds. */
export function duration(leastMs = 0) {
  return z
    .string({ error: durationRule })
    .regex(durationPattern, durationRule)
    .transform((text, context) => {
      const ms = parseDuration(text);
      if (ms !== undefined && ms <= longest && ms >= leastMs) return ms;
      const message =
        (ms ?? longest) < leastMs ? `must be at least ${leastMs / 1000}s` : 'must not be longer than 7d';
      context.issues.push({ code: 'custom', message, input: text });
      return z.NEVER;
    })
    .meta({ title: 'duration' });
}

const rateRule = 'must be a rate such as 1% or 0.01';

/** `1%` or `0.01` → a fraction. */
export const rate = z
  .union([z.string().regex(/^\d+(\.\d+)?\s*%?$/, rateRule), z.number()], { error: rateRule })
  .transform((value, context) => {
    const fraction = parseRate(value);
    if (fraction !== undefined) return fraction;
    context.issues.push({ code: 'custom', message: `${rateRule}, from 0 to 100%`, input: value });
    return z.NEVER;
  })
  .meta({ title: 'rate' });

const sizeRule = 'must be a size such as 512M or 2.2G';

/** `512M` → bytes. */
export const size = z
  .string({ error: sizeRule })
  .regex(/^\d+(\.\d+)?\s*[kKmMgGtT]([iI]?[bB])?$/, sizeRule)
  .transform((text) => Math.round(parseBytes(text) ?? 0))
  .meta({ title: 'size' });

/** A whole number, also in quotes: compose files quote ports and counts, and so do people here. */
function wholeNumber(least: number, most: number, rule: string) {
  const quoted = z.string().regex(/^\d{1,15}$/, rule);
  return z
    .union([z.int({ error: rule }).min(least, rule).max(most, rule), quoted], { error: rule })
    .transform((value, context) => {
      const number = Number(value);
      if (number >= least && number <= most) return number;
      context.issues.push({ code: 'custom', message: rule, input: value });
      return z.NEVER;
    });
}

export function count(least: number, most: number) {
  const rule = `must be a whole number from ${least} to ${most}`;
  return wholeNumber(least, most, rule).meta({ title: `${least}–${most}` });
}

export const port = wholeNumber(1, 65535, 'must be a port, 1 to 65535').meta({ title: 'port' });

const modeRule = 'must be http, tcp, or a map of ports such as { 8025: http, 1025: tcp }';
/** One mode, or a mode by port. */
export const portModes = z
  .union(
    [
      oneOf(['http', 'tcp']),
      z
        .record(
          z
            .string()
            .regex(/^(?:[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5])$/, modeRule),
          oneOf(['http', 'tcp']),
          { error: modeRule },
        )
        .refine((modes) => Object.keys(modes).length > 0, modeRule),
    ],
    { error: modeRule },
  )
  .meta({ title: '`http`, `tcp`, or a map of ports' });

export const flag = z.boolean({ error: 'must be true or false' }).meta({ title: 'true or false' });

/** Text without control characters; the length keeps messages and command lines sane. */
export function text(rule: string, most = 4096) {
  return z
    .string({ error: rule })
    .min(1, rule)
    .max(most, `must not be longer than ${most} characters`)
    .regex(/^[^\u0000-\u001f\u007f]*$/, 'must not contain line breaks or control characters');
}

/** One or several of a kind, written as a value or as a list. */
export function oneOrMore<T extends z.ZodType>(item: T, rule: string) {
  return z.union([item, z.array(item).min(1, 'must not be an empty list')], { error: rule });
}

const appRule =
  'must be lowercase letters, digits, - and _, starting with a letter or digit, at most 50 characters';
export const appName = z
  .string({ error: appRule })
  .regex(/^[a-z0-9][a-z0-9_-]{0,49}$/, appRule)
  .meta({ title: 'name' });

const serviceRule = 'must be the name of a compose service (letters, digits, ".", "_" and "-")';
/** Compose's own rule for the names of services. */
export const serviceName = z
  .string({ error: serviceRule })
  .regex(/^[A-Za-z0-9._-]{1,128}$/, serviceRule)
  .meta({ title: 'service' });

const targetRule = 'must be letters, digits, - and _, starting with a letter, at most 40 characters';
export const targetName = z.string({ error: targetRule }).regex(/^[A-Za-z][A-Za-z0-9_-]{0,39}$/, targetRule);

const variableRule = 'must be the NAME of an environment variable, never its value';
/** The message never shows the text: people put the secret itself here. */
export const variableName = z
  .string({ error: variableRule })
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,99}$/, variableRule)
  .meta({ title: 'NAME of a variable' });

export const relativePath = text('must be a path', 1024).meta({ title: 'path' });

const absoluteRule = 'must be an absolute path on the host, without ".." and not "/" itself';
export const absolutePath = text(absoluteRule, 1024)
  .regex(/^(?!.*(?:^|\/)\.\.?(?:\/|$))\/[^/]/, absoluteRule)
  .meta({ title: 'absolute path' });

const urlRule = 'must be a URL that starts with http:// or https://';
export const url = text(urlRule, 2048)
  .refine((value) => {
    const parsed = URL.canParse(value) ? new URL(value) : undefined;
    return parsed !== undefined && /^https?:$/.test(parsed.protocol);
  }, urlRule)
  .meta({ title: 'URL' });

const healthRule = 'must be a path such as /api/health, of letters, digits and . _ ~ % & + , = : @ / ? -';
export const healthPath = text(healthRule, 512)
  .regex(healthPathPattern, healthRule)
  .meta({ title: 'path of a URL' });

const networkRule = 'must be an address or a network such as 10.0.0.0/8';

export const network = text(networkRule, 64)
  .refine((value) => {
    const [address = '', bits, ...rest] = value.split('/');
    const family = isIP(address);
    return (
      family !== 0 &&
      rest.length === 0 &&
      (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128)))
    );
  }, networkRule)
  .meta({ title: 'address or network' });

const statusRule = 'must be statuses such as 200, 204 or 200-399';

/** `200-299`, `[200, 401]` → `200-299`, `200,401`, as HAProxy writes them. */
export const statuses = z
  .union([z.int(statusRule), z.string(statusRule), z.array(z.union([z.int(), z.string()]), statusRule)], {
    error: statusRule,
  })
  .transform((value, context) => {
    const parts = [value].flat().map(String);
    const isFine = parts.every((part) => /^[1-5]\d\d(?:-[1-5]\d\d)?$/.test(part));
    if (isFine && parts.length > 0) return parts.join(',');
    context.issues.push({ code: 'custom', message: statusRule, input: value });
    return z.NEVER;
  })
  .meta({ title: 'status, range or list' });

const headerRule = 'must map header names (not HTTP’s own, such as Host) to printable text without quotes';

export const headers = z
  .record(z.string().refine(isHealthHeader, headerRule), z.string().refine(isHealthValue, headerRule), {
    error: headerRule,
  })
  .meta({ title: 'map of headers' });

/** `deploy@host:2222` → its parts and its usual spelling. */
export const address = text('must be user@host or user@host:port', 400)
  .transform((value, context) => {
    const parsed = parseAddress(value);
    if (!('fault' in parsed)) return { ...parsed, name: formatAddress(parsed) };
    context.issues.push({ code: 'custom', message: parsed.fault, input: value });
    return z.NEVER;
  })
  .meta({ title: 'user@host[:port]' });

const hostKeyRule =
  'must be a public host key as ssh-keyscan prints it (ssh-ed25519 AAAA…), or its fingerprint (SHA256:…)';
export const hostKey = text(hostKeyRule, 2048)
  .transform((value, context) => {
    const parsed = parseHostKey(value);
    if (parsed !== undefined) return parsed;
    context.issues.push({ code: 'custom', message: hostKeyRule, input: value });
    return z.NEVER;
  })
  .meta({ title: 'public key or fingerprint' });

const commandRule = 'must be a command: one text, or a list of words';
export const command = z
  .union(
    [
      z
        .string({ error: commandRule })
        .min(1, commandRule)
        .max(8192, 'must not be longer than 8192 characters')
        .regex(/^[^\0]*$/, 'must not contain a NUL'),
      z.array(z.string({ error: 'must be a text; put it in quotes' })).min(1, commandRule),
    ],
    { error: commandRule },
  )
  .meta({ title: 'command' });

const imageRule = 'must be an image reference, such as haproxy:3.0';
export const image = text(imageRule, 512)
  .refine((value) => tryParseImage(value) !== undefined, imageRule)
  .meta({ title: 'image' });

const registryRule =
  'must be a registry, with a path if it has one and without a tag: ghcr.io/acme/bookreader';
export const registry = text(registryRule, 300)
  .refine((value) => {
    const parsed = tryParseImage(`${value}/service`);
    return parsed !== undefined && parsed.tag === undefined && parsed.digest === undefined;
  }, registryRule)
  .meta({ title: 'registry with path' });
