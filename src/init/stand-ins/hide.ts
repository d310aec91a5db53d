import type { Guess } from '../guess/guess.ts';
import type { ServiceGuess } from '../guess/services.ts';

type Made = ReadonlyMap<string, string>;

/**
 * A guess without the values that init made up to resolve the compose files: texts have `${NAME}` in their place, and
 * keys of sluice.yml that contain one are removed.
 */
export function withoutStandIns(guess: Guess, made: Made): Guess {
  if (made.size === 0) return guess;
  const { registry } = guess;
  const [from] = variablesIn(registry.value ?? '', made);
  return {
    ...hidden(guess, made),
    registry:
      from === undefined ? registry : { value: undefined, why: `the compose files take it from $\{${from}}` },
    services: guess.services.map((service) => serviceWithout(service, made)),
  };
}

/** A text with `${NAME}` in place of each made-up value. */
function hideIn(text: string, made: Made): string {
  let result = text;
  for (const [value, name] of longestFirst(made)) {
    const variable = `$\{${name}}`;
    // Numbers match only as whole words.
    if (/^\d+$/.test(value))
      result = result.replaceAll(new RegExp(`(?<!\\d)${value}(?!\\d)`, 'g'), () => variable);
    else result = result.replaceAll(value, () => variable);
  }
  return result;
}

function serviceWithout(service: ServiceGuess, made: Made): ServiceGuess {
  const own = Object.entries(service.own).filter(
    ([, value]) => variablesIn(JSON.stringify(value), made).length === 0,
  );
  const [portFrom] = variablesIn(String(service.plan.ports[0]?.port ?? ''), made);
  const maybe =
    service.maybe === undefined || variablesIn(JSON.stringify(service.maybe.own), made).length > 0;
  return {
    ...hidden(service, made),
    own: Object.fromEntries(own),
    maybe: maybe ? undefined : service.maybe,
    ...(portFrom === undefined ? {} : { portFrom }),
  };
}

function hidden<T>(value: T, made: Made): T {
  const walk = (node: unknown): unknown => {
    if (typeof node === 'string') return hideIn(node, made);
    if (Array.isArray(node)) return node.map(walk);
    if (node === null || typeof node !== 'object') return node;
    return Object.fromEntries(Object.entries(node).map(([key, inner]) => [key, walk(inner)]));
  };
  return walk(value) as T;
}

function variablesIn(text: string, made: Made): string[] {
  return hideIn(text, made) === text
    ? []
    : longestFirst(made).flatMap(([value, name]) =>
        hideIn(text, new Map([[value, name]])) === text ? [] : [name],
      );
}

function longestFirst(made: Made): (readonly [string, string])[] {
  return [...made].sort(([a], [b]) => b.length - a.length);
}
