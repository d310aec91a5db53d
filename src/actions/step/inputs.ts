import { parseDuration } from '../../config/sluice-yml/human.ts';
import { didYouMean } from '../../config/sluice-yml/suggest.ts';
import { UserError, UserErrors } from '../../kernel/errors.ts';

/** Parses an input's text, which is trimmed, and '' when it was not given. @throws Error with the expected form. */
export type Reader<T> = (text: string) => T;

/** The inputs of an action by name; action.yml describes them, a test keeps the two together. */
export type Spec = Readonly<Record<string, Reader<unknown>>>;

export type Values<S extends Spec> = { readonly [K in keyof S]: S[K] extends Reader<infer T> ? T : never };

export const text: Reader<string | undefined> = (given) => (given === '' ? undefined : given);

/** YAML's words for a boolean: the runner passes on the text of the workflow. */
export function flag(fallback: boolean): Reader<boolean> {
  return (given) => {
    if (given === '') return fallback;
    if (/^(true|True|TRUE)$/.test(given)) return true;
    if (/^(false|False|FALSE)$/.test(given)) return false;
    throw new Error('must be true or false');
  };
}

/** One of these words; the first is the default. */
export function choice<W extends string>(first: W, ...others: readonly W[]): Reader<W> {
  const words = [first, ...others];
  return (given) => {
    const found = given === '' ? first : words.find((word) => word === given);
    if (found === undefined) throw new Error(`must be one of ${words.join(', ')}`);
    return found;
  };
}

export function duration(longestMs: number): Reader<number | undefined> {
  return (given) => {
    if (given === '') return undefined;
    const ms = parseDuration(given);
    if (ms !== undefined && ms <= longestMs) return ms;
    throw new Error(`must be a duration up to ${longestMs / 60_000}m, such as 30s`);
  };
}

/** Separated by commas or line ends. */
export const list: Reader<readonly string[]> = (given) =>
  given
    .split(/[\n,]/)
    .map((part) => part.trim())
    .filter((part) => part !== '');

/** Names in other actions, and the ones here. */
const elsewhere: Readonly<Record<string, string>> = {
  'private-key': 'ssh-key',
  'ssh-private-key': 'ssh-key',
  key: 'ssh-key',
  passphrase: 'ssh-passphrase',
  'host-key': 'known-hosts',
  'ssh-known-hosts': 'known-hosts',
  username: 'user',
  env: 'target',
  stage: 'target',
  version: 'release',
  token: 'github-token',
  tag: 'tags',
  image: 'images',
  'slack-webhook': 'slack-webhook-url',
};

/**
 * Reads the inputs of this step.
 *
 * @param rules sentences about inputs that contradict each other; each names both.
 * @throws UserErrors with all mistakes at once, each naming its input.
 */
export function readInputs<S extends Spec>(
  spec: S,
  env: Readonly<Record<string, string | undefined>>,
  rules: (values: Values<S>) => readonly string[] = () => [],
): Values<S> {
  const errors = unknownInputs(Object.keys(spec), env);
  const values: Record<string, unknown> = {};
  for (const [name, read] of Object.entries(spec)) {
    try {
      values[name] = read(inputText(env, name));
    } catch (error) {
      // Without the value: one that was meant for another input may be a secret.
      errors.push(wrong(name, error instanceof Error ? error.message : String(error)));
    }
  }
  if (errors.length > 0) throw new UserErrors(errors);
  const conflicts = rules(values as Values<S>).map(
    (message) => new UserError({ code: 'input.conflict', message }),
  );
  if (conflicts.length > 0) throw new UserErrors(conflicts);
  return values as Values<S>;
}

/** As the runner names them: upper case, a blank as `_`, hyphens unchanged. */
function inputText(env: Readonly<Record<string, string | undefined>>, name: string): string {
  return (env[`INPUT_${name.replaceAll(' ', '_').toUpperCase()}`] ?? '').trim();
}

function wrong(name: string, why: string): UserError {
  return new UserError({ code: 'input.value', message: `Input ${name}: ${why}` });
}

/** The runner only warns about them; a misspelled `release` would deploy something else. */
function unknownInputs(
  known: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): UserError[] {
  const given = Object.keys(env).flatMap((name) => /^INPUT_(.+)$/s.exec(name)?.[1]?.toLowerCase() ?? []);
  return given
    .filter((name) => !known.includes(name))
    .map((name) => {
      const ours = elsewhere[name.replaceAll('_', '-')];
      const called = ours !== undefined && known.includes(ours);
      return new UserError({
        code: 'input.unknown',
        message: called
          ? `Unknown input "${name}". Use ${ours}`
          : `Unknown input "${name}"${didYouMean(name, known)}`,
        hint: `Available: ${known.join(', ')}.`,
      });
    });
}
