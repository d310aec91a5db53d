import type { Mask } from '../../kernel/mask.ts';
import type { InvalidationPlan, InvalidationResult } from '../model.ts';
import { createExchange, type Exchange, type ExchangeEffects } from './exchange.ts';

export interface TellingEffects extends ExchangeEffects {
  readonly mask: Mask;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** One plan being applied. */
export interface Telling {
  readonly exchange: Exchange;
  /** @param why goes on from the CDN's name; words of the CDN may be in it. */
  end(outcome: InvalidationResult['outcome'], why?: string): InvalidationResult;
}

/** @param name what the CDN is called in sentences. */
export function beginTelling(
  name: string,
  { cdn, paths }: InvalidationPlan,
  effects: TellingEffects,
): Telling {
  const from = effects.clock.elapsed();
  const exchange = createExchange(effects);
  return {
    exchange,
    end: (outcome, why) => ({
      cdn,
      paths,
      requests: exchange.sent(),
      ms: effects.clock.elapsed() - from,
      outcome,
      ...(why === undefined ? {} : { why: effects.mask.scrub(`${name} ${why}`) }),
    }),
  };
}
