import { createHash } from 'node:crypto';
import { standIns } from '../images.ts';
import { appRegistry } from './versions.ts';

/**
 * A value that looks like a secret and protects nothing: it is the same on every machine, so that a database of the
 * last run still opens.
 */
export function syntheticSecret(name: string, length: 32 | 64): string {
  return createHash('sha256').update(`bookreader on the test bed: ${name}`).digest('hex').slice(0, length);
}

/** The env file of the bed's targets. */
export function envFile(hostNames: readonly string[]): string {
  const variables = {
    SECRET_KEY: syntheticSecret('SECRET_KEY', 64),
    JWT_SECRET_KEY: syntheticSecret('JWT_SECRET_KEY', 64),
    DB_PASSWORD: syntheticSecret('DB_PASSWORD', 32),
    REDIS_PASSWORD: syntheticSecret('REDIS_PASSWORD', 32),
    ALLOWED_HOSTS: ['localhost', ...hostNames].join(','),
    CORS_ORIGINS: 'https://bookreader.example.com',
    // Two hosts, two colours each, and the checks' own connections.
    DB_MAX_CONNECTIONS: '200',
    WEB_CONCURRENCY: '1',
    REGISTRY: appRegistry,
    POSTGRES_IMAGE: standIns.postgres,
    REDIS_IMAGE: standIns.redis,
    NGINX_IMAGE: standIns.nginx,
    RATE_LIMIT_EXEMPT: './nginx/rate-limit-off.conf',
  };
  return Object.entries(variables)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

/** The load comes from few addresses: without this, nginx would answer most of it with 429. */
export const rateLimitOff = '0.0.0.0/0 0;\n';

/**
 * What differs on the bed from any production. Services that run on any host find the data services by variables.
 *
 * @param patience factor of the backend's times, on a busy machine.
 */
export const composeOverlay = (
  patience = 1,
) => `# The bed's hosts share the data services of the first one, and nobody wants to wait long for a release that never
# gets well: the application starts within 3 s here.
x-data: &data
  DB_HOST: \${DB_HOST:-db}
  REDIS_HOST: \${REDIS_HOST:-redis}

services:
  backend:
    environment: *data
    healthcheck: { interval: 2s, start_period: ${4 * patience}s, timeout: ${3 * patience}s }
  celery-worker: { environment: *data }
  celery-beat: { environment: *data }
`;
