import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { canonicalModel } from '../../../../src/config/compose/shape.ts';
import type { ComposeService } from '../../../../src/config/model.ts';
import { strategyExamples } from '../../../../src/config/reference/strategy-chapter.ts';
import { planServices } from '../../../../src/config/services/strategies.ts';
import { config } from '../../../support/config/fixtures.ts';

type Written = Readonly<Record<string, unknown>>;

/** What `docker compose config` makes of the short forms in the examples. */
function long(service: Written): Written {
  const ports = ((service['ports'] ?? []) as string[]).map((text) => {
    const [published, target] = text.split(':');
    return { target: Number(target), published };
  });
  const volumes = ((service['volumes'] ?? []) as string[]).map((text) => {
    const [source, target] = text.split(':');
    return { type: 'volume', source, target };
  });
  const { ports: _ports, volumes: _volumes, ...rest } = service;
  return { ...rest, ...(ports.length > 0 ? { ports } : {}), ...(volumes.length > 0 ? { volumes } : {}) };
}

describe('the chapter on strategies', () => {
  test.each(strategyExamples.map((example) => [example.strategy, example.compose] as const))(
    '%s is what its example gives',
    (strategy, compose) => {
      const written = parse(compose) as { services: Record<string, Written> };
      const services = Object.fromEntries(
        Object.entries(written.services).map(([name, service]) => [name, long(service)]),
      );
      const model = canonicalModel({ name: 'shop', services }) as {
        services: Record<string, ComposeService>;
      };
      const plans = planServices({ name: 'shop', ...model }, { ...config, registry: 'ghcr.io/acme' });
      const named = plans.filter(({ name }) => name.startsWith(`${strategy}-`));
      expect(named.length).toBeGreaterThan(0);
      for (const plan of named) expect(plan).toMatchObject({ strategy });
    },
  );
});
