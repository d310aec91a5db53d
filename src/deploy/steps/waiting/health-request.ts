import type { HealthRequest, ServicePlan } from '../../../config/model.ts';

/** How a health endpoint is asked where nothing says otherwise: the edge and the deploy ask alike. */
export const healthDefaults = { host: 'localhost', timeoutMs: 5_000, expect: '200-399' } as const;

/** What is asked of each container of a service; undefined: a connection is all. */
export function healthAsked({
  health: path,
  healthRequest: request,
  ports: [main],
}: ServicePlan): (HealthRequest & { readonly path: string; readonly port: number }) | undefined {
  const port = request?.port ?? main?.port;
  return path === undefined || port === undefined ? undefined : { ...request, path, port };
}

/** Whether an answer is one of a healthy container. */
export function isExpected(status: number, { expect = healthDefaults.expect }: HealthRequest): boolean {
  return expect.split(',').some((part) => {
    const [from = Number.NaN, to = from] = part.split('-').map(Number);
    return status >= from && status <= to;
  });
}
