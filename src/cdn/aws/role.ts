import { UserError } from '../../kernel/errors.ts';
import type { CredentialOptions } from './credentials.ts';
import type { AwsKeys } from './sign.ts';

export function assumeRole(_arn: string, _options: CredentialOptions): () => Promise<AwsKeys> {
  return () => Promise.reject(new UserError({ code: 'cdn.role', message: 'not there yet' }));
}
