import type { Mask } from '../../kernel/masking/mask.ts';
import type { InvalidationPlan, InvalidationResult } from '../model.ts';
import { createExchange, type Exchange, type ExchangeEffects } from './exchange.ts';

export interface TellingEffects extends ExchangeEffects {
  readonly mask: Mask;
}

/** One invalidation in progress; its end closes the connection. */
export interface Telling {
  readonly exchange: Exchange;
  /** @param why continues “it …”; it may quote the CDN. */
  end(outcome: InvalidationResult['outcome'], why?: string): InvalidationResult;
}

export function beginTelling({ cdn, paths }: InvalidationPlan, effects: TellingEffects): Telling {
  const from = effects.clock.elapsed();
  const exchange = createExchange(effects);
  return {
    exchange,
    end: (outcome, why) => {
      exchange.close();
      const ms = effects.clock.elapsed() - from;
      const because = why === undefined ? {} : { why: effects.mask.scrub(`it ${why}.`) };
      return { cdn, paths, requests: exchange.sent(), ms, outcome, ...because };
    },
  };
}
