import { describe, expect, test } from 'vitest';
import { healthWithVariables } from '../../../../src/config/health/request.ts';
import { planServices } from '../../../../src/config/services/strategies.ts';
import { parseConfig } from '../../../../src/config/sluice-yml/load.ts';
import { healthAsked } from '../../../../src/deploy/steps/waiting/component-health.ts';
import { config, errorsOf, model, one } from '../../../support/config/fixtures.ts';

const yml = (health: string) =>
  `app: shop\nservices: { web: { health: ${health} } }\ntargets: { production: { hosts: [deploy@h.example.com] } }\n`;
const parsed = (health: string) => parseConfig(yml(health), '/x/sluice.yml', '/x').services['web'];

describe('how a health endpoint is asked', () => {
  test('a path alone, or a map with one', () => {
    expect(parsed('/up')).toEqual({ health: '/up' });
    expect(parsed('{ path: /up }')).toEqual({ health: '/up' });
    const all =
      '{ path: /up, port: 9000, host: shop.example.com, headers: { X-Token: "${TOKEN}" }, timeout: 2s, expect: [200, 300-399] }';
    expect(parsed(all)).toEqual({
      health: '/up',
      healthRequest: {
        ...{ port: 9000, host: 'shop.example.com', timeoutMs: 2000, expect: '200,300-399' },
        headers: { 'X-Token': '${TOKEN}' },
      },
    });
    expect(parsed('{ path: /up, expect: 204 }')?.healthRequest).toEqual({ expect: '204' });
  });

  test.each([
    '{ port: 80 }',
    '{ path: up }',
    '{ path: /up, expect: ok }',
    '{ path: /up, expect: [] }',
    '{ path: /up, expect: 600 }',
    `{ path: /up, headers: { X: "a'b" } }`,
    '{ path: /up, headers: { X: "" } }',
    '{ path: /up, headers: { X: "a  b" } }',
    '{ path: /up, headers: { Host: shop.example.com } }',
    '{ path: /up, headers: { "X Y": a } }',
    '{ path: /up, host: "a b" }',
    '{ path: /up, method: POST }',
  ])('%s is refused', async (health) => {
    const errors = await errorsOf(() => parseConfig(yml(health), '/x/sluice.yml', '/x'));
    expect(errors).toHaveLength(1);
    expect(errors[0]?.message).toMatch(/services\.web\.health/);
  });

  test('the plan has it, on the main port or another; a check’s own Host header counts', () => {
    const web = { image: 'acme/web', expose: ['8000'] };
    const own = { health: '/up', healthRequest: { port: 9000, host: 'shop.example.com' } };
    expect(healthAsked(one(web, own))).toEqual({ path: '/up', port: 9000, host: 'shop.example.com' });
    const test = ['CMD', 'curl', '-fH', 'Host: shop.example.com', 'http://localhost:8000/up'];
    const checked = one({ ...web, healthcheck: { test } });
    expect(healthAsked(checked)).toEqual({ path: '/up', port: 8000, host: 'shop.example.com' });
    expect(healthAsked(one(web))).toBeUndefined();
  });

  test('start-timeout is longer than what the health check says', () => {
    const web = { image: 'acme/web', expose: ['8000'] };
    expect(one(web, { startTimeoutMs: 300_000 }).startDeadlineMs).toBe(300_000);
    expect(one(web).startDeadlineMs).toBe(60_000);
  });

  test('headers have the target’s variables, and a missing one is named', () => {
    const services = { web: { image: 'acme/web', expose: ['8000'] } };
    const own = { health: '/up', healthRequest: { headers: { 'X-Token': 'Bearer ${TOKEN}' } } };
    const plans = planServices(model(services), { ...config, services: { web: own } });
    const filled = healthWithVariables(plans, { TOKEN: 'synthetic' });
    expect(filled.plans[0]?.healthRequest?.headers).toEqual({ 'X-Token': 'Bearer synthetic' });
    expect(filled.faults).toEqual([]);
    expect(healthWithVariables(plans, {}).faults.map(({ message }) => message)).toEqual([
      'services.web.health.headers.X-Token: ${TOKEN} is not set in the target’s variables',
    ]);
    const [fault] = healthWithVariables(plans, { TOKEN: "a'\nb" }).faults;
    expect(fault?.message).toMatch(
      / contains a single quote, a line break, or leading, trailing or repeated spaces$/,
    );
    expect(fault?.message).not.toContain("a'");
  });
});
