import { UserError } from '../../kernel/errors.ts';
import { interpolate } from '../env/interpolate.ts';
import type { HealthRequest, PlannedPort, ServicePlan } from '../model.ts';
import { protocolOf } from '../ports/known-ports.ts';
import type { PortFacts } from '../ports/modes.ts';
import type { HealthCheck } from './check.ts';
import { isHealthValue } from './request-syntax.ts';

/** Paths made for health checks. */
const healthWords = /health|live|ready|\bup\b|ping|status|alive|heartbeat/i;

/**
 * The path that the edge asks on the main port: that of sluice.yml, else the one that the container’s own health check
 * asks there, if a good answer to it is what the check demands.
 */
export function healthOf(
  [main]: readonly PlannedPort[],
  { config, check }: PortFacts,
): {
  readonly health: string | undefined;
  readonly request?: HealthRequest;
  readonly notes: readonly string[];
} {
  if (main === undefined) return { health: undefined, notes: [] };
  if (config.health !== undefined) {
    const { healthRequest: request } = config;
    const isElsewhere = request?.port !== undefined && request.port !== main.port;
    // The edge can ask HTTP on a port that it carries as TCP, but not inside TLS.
    if (
      isElsewhere ||
      main.mode === 'http' ||
      (main.why === 'sluice.yml' && protocolOf(main.port) !== 'HTTPS')
    )
      return { health: config.health, ...(request === undefined ? {} : { request }), notes: [] };
    return {
      health: undefined,
      notes: [`health ${config.health} is not used: port ${main.port} is not plain HTTP (${main.why})`],
    };
  }
  if (main.mode === 'tcp' || check === undefined) return { health: undefined, notes: [] };
  const reason = whyNot(check, main.port);
  const host = check.host === undefined || /[^\w.:[\]-]/.test(check.host) ? undefined : check.host;
  if (reason === undefined)
    return { health: check.path, ...(host === undefined ? {} : { request: { host } }), notes: [] };
  return {
    health: undefined,
    notes: [
      `${reason}: without \`health\` in sluice.yml, the edge only checks that the port accepts a connection`,
    ],
  };
}

function whyNot(check: HealthCheck, main: number): string | undefined {
  const { kind, what, port, path, method, accepts } = check;
  if (kind === 'script') return `its health check runs ${what}, whose request is not known`;
  if (kind !== 'http') return undefined;
  const asked = `its health check requests ${path ?? 'a path with a variable'}`;
  if (port !== undefined && port !== main) return `${asked} on port ${port}, not on port ${main}`;
  if (path === undefined) return asked;
  if (check.tls) return `${asked} over HTTPS`;
  if (method !== 'GET' && method !== 'HEAD') return `${asked} with ${method}`;
  if (typeof accepts === 'number' && (accepts < 200 || accepts > 399))
    return `${asked} and expects ${accepts}`;
  if (accepts === 'any' && !healthWords.test(path)) return `${asked} and accepts any status`;
  return undefined;
}

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
