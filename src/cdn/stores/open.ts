import type { StoreSettings } from '../../config/site.ts';
import type { Effects } from '../../kernel/run.ts';
import { awsCredentials } from '../aws/credentials.ts';
import { openHttp } from '../aws/http.ts';
import { type AwsKeys, createSigner } from '../aws/sign.ts';
import type { ObjectStore } from '../store.ts';
import { addressOf } from './address.ts';
import { createObjects } from './objects.ts';
import { createBudget, createPace } from './pace.ts';
import { createRequests } from './requests.ts';
import { pauseMs } from './retry.ts';

/** Bytes of files in memory at once. */
const memory = 64 * 1024 * 1024;

/**
 * Opens a bucket of AWS or of any store with the S3 API: signature version 4, hashes of bodies in
 * `x-amz-content-sha256`, Content-MD5 for bulk deletes, and none of the newer checksums, which some stores
 * lack. It requests only the credentials. @param keys known credentials, so that a role is assumed once.
 * @throws UserError `cdn.credentials`, `cdn.role`, `cdn.store-unreachable` (an invalid endpoint).
 */
export async function openStore(
  settings: StoreSettings,
  effects: Pick<Effects, 'env' | 'mask' | 'clock' | 'signal' | 'log'>,
  keys: () => Promise<AwsKeys> = awsCredentials({ ...effects, role: settings.role }),
): Promise<ObjectStore> {
  const { env, clock, signal, log } = effects;
  const name = `s3://${settings.bucket}${settings.prefix === '' ? '' : `/${settings.prefix.replace(/\/$/, '')}`}`;
  const address = addressOf(settings, env);
  await keys();
  const http = openHttp(env, signal);
  const sign = createSigner({ keys, region: address.region, service: 's3', clock });
  const pace = createPace(signal);
  const requests = createRequests({
    settings,
    name,
    address,
    http,
    env,
    sign,
    keys,
    pace,
    clock,
    signal,
    log,
  });
  return createObjects({
    name,
    prefix: settings.prefix,
    address,
    requests,
    budget: createBudget(signal, memory),
    pause: (tries) => clock.sleep(pauseMs(tries, 0, Math.random()), signal),
    signal,
    close: () => http.close(),
  });
}
