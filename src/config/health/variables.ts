import { UserError } from '../../kernel/errors.ts';
import { interpolate } from '../env/interpolate.ts';
import type { ServicePlan } from '../model.ts';
import { isHealthValue } from './request-syntax.ts';

/**
 * The plans with the target's variables in the headers of their health requests: a token has no place in sluice.yml.
 *
 * @param values variables of the target.
 */
export function healthWithVariables(
  plans: readonly ServicePlan[],
  values: Readonly<Record<string, string>>,
): { readonly plans: readonly ServicePlan[]; readonly faults: readonly UserError[] } {
  const faults: UserError[] = [];
  const filled = plans.map((plan) => {
    const { headers } = plan.healthRequest ?? {};
    if (headers === undefined) return plan;
    const entries = Object.entries(headers).map(([header, text]) => {
      const value = interpolate(text, (name) => values[name]);
      // The value becomes one line of a request, and a quoted word in the edge's configuration.
      if (typeof value === 'string' && isHealthValue(value)) return [header, value] as const;
      faults.push(
        new UserError({
          code: 'config.health-header',
          message: `services.${plan.name}.health.headers.${header}: ${typeof value === 'string' ? 'its value is empty, or contains a single quote, a line break, or leading, trailing or repeated spaces' : `$\{${value.name}} is not set in the target’s variables`}`,
          hint:
            typeof value === 'string'
              ? 'Use printable ASCII characters without single quotes.'
              : `Add ${value.name} to env, env-file or env-secret of the target.`,
        }),
      );
      return [header, ''] as const;
    });
    return { ...plan, healthRequest: { ...plan.healthRequest, headers: Object.fromEntries(entries) } };
  });
  return { plans: filled, faults };
}
