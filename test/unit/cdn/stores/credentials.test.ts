import { createServer, type Server } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { awsCredentials } from '../../../../src/cdn/aws/credentials.ts';
import { createSigner, emptySha256 } from '../../../../src/cdn/aws/sign.ts';
import { systemClock } from '../../../../src/kernel/clock.ts';
import { createMask } from '../../../../src/kernel/masking/mask.ts';

const role = 'arn:aws:iam::123456789012:role/publish';
const pair = { AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret-of-the-key' };
const oidcToken = `e30.${Buffer.from(JSON.stringify({ sub: 'repo:acme/site:ref:refs/heads/main' })).toString('base64url')}.c2ln`;

let now: number;
const mask = createMask();
const clock = { ...systemClock, now: () => now, sleep: async () => {} };

function ask(env: Record<string, string | undefined>, ofRole?: string) {
  return awsCredentials({ env, role: ofRole, mask, clock, signal: new AbortController().signal });
}

describe('keys of the environment', () => {
  it('are taken as they are, and masked', async () => {
    expect(await ask(pair)()).toEqual({ accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret-of-the-key' });
    expect(await ask({ ...pair, AWS_SESSION_TOKEN: 'token-of-a-session' })()).toMatchObject({
      sessionToken: 'token-of-a-session',
    });
    expect(mask.scrub('secret-of-the-key token-of-a-session')).toBe('*** ***');
  });

  it.each([
    [{}, /AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set/, /export-credentials/],
    [{ GITHUB_ACTIONS: 'true' }, /are not set/, /id-token: write/],
    [
      { ...pair, AWS_SECRET_ACCESS_KEY: '' },
      /AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is missing or empty/,
      /Check its name/,
    ],
    [
      { ...pair, AWS_ACCESS_KEY_ID: undefined },
      /AWS_SECRET_ACCESS_KEY is set, but AWS_ACCESS_KEY_ID is missing or empty/,
      /Check its name/,
    ],
    [
      { ...pair, AWS_SECRET_ACCESS_KEY: 'pasted\n' },
      /AWS_SECRET_ACCESS_KEY contains white space or a line end/,
      /again/,
    ],
    [{ ...pair, AWS_ACCESS_KEY_ID: ' AKIA' }, /AWS_ACCESS_KEY_ID contains white space/, /again/],
    [
      { ...pair, AWS_SESSION_TOKEN: 'tök' },
      /AWS_SESSION_TOKEN contains characters that are invalid in a key/,
      /again/,
    ],
  ])('%j are refused', async (env, message, hint) => {
    await expect(ask(env)()).rejects.toMatchObject({
      code: 'cdn.credentials',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
  });
});

describe('a role', () => {
  interface Fake {
    status: number;
    body: string;
  }
  let server: Server;
  let env: Record<string, string>;
  let sts: Fake[];
  let asked: { url: string; authorization: string | undefined; form: URLSearchParams }[];

  const session = (number: number, minutes: number): Fake => ({
    status: 200,
    body: `<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIA${number}</AccessKeyId><SecretAccessKey>session-secret-${number}</SecretAccessKey><SessionToken>session-token-${number}==</SessionToken><Expiration>${new Date(now + minutes * 60_000).toISOString()}</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
  });
  const refusal = (code: string): Fake => ({
    status: 403,
    body: `<ErrorResponse><Error><Code>${code}</Code><Message>Not authorized</Message></Error></ErrorResponse>`,
  });

  beforeEach(async () => {
    now = Date.UTC(2026, 10, 21);
    [sts, asked] = [[], []];
    server = createServer(async (request, response) => {
      const form = new URLSearchParams(await readText(request));
      asked.push({ url: request.url ?? '', authorization: request.headers.authorization, form });
      if (request.url?.startsWith('/token')) return response.end(JSON.stringify({ value: oidcToken }));
      const { status, body } = sts.shift() ?? { status: 500, body: '' };
      response.writeHead(status).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const base = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
    env = {
      GITHUB_ACTIONS: 'true',
      GITHUB_REPOSITORY: 'acme/site & co',
      GITHUB_RUN_ID: '4711',
      ACTIONS_ID_TOKEN_REQUEST_URL: `${base}/token?api-version=2.0`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'token-for-the-token',
      AWS_ENDPOINT_URL_STS: base,
    };
  });
  afterEach(() => void server.close());

  it('is taken by the token of the job, under a name that says which run', async () => {
    sts = [session(1, 60)];
    expect(await ask(env, role)()).toEqual({
      accessKeyId: 'ASIA1',
      secretAccessKey: 'session-secret-1',
      sessionToken: 'session-token-1==',
    });
    expect(asked.map(({ url }) => url)).toEqual(['/token?api-version=2.0&audience=sts.amazonaws.com', '/']);
    expect(asked[0]?.authorization).toBe('bearer token-for-the-token');
    expect(Object.fromEntries(asked[1]?.form ?? [])).toEqual({
      Action: 'AssumeRoleWithWebIdentity',
      Version: '2011-06-15',
      RoleArn: role,
      RoleSessionName: 'acme-site---co-4711',
      DurationSeconds: '3600',
      WebIdentityToken: oidcToken,
    });
    expect(mask.scrub(`${oidcToken} session-secret-1 session-token-1== token-for-the-token`)).toBe(
      '*** *** *** ***',
    );
  });

  it('is taken once for many requests, and again before it expires', async () => {
    sts = [session(1, 60), session(2, 120)];
    const keys = ask(env, role);
    const many = await Promise.all([keys(), keys(), keys()]);
    expect(many.map(({ accessKeyId }) => accessKeyId)).toEqual(['ASIA1', 'ASIA1', 'ASIA1']);
    now += 54 * 60_000;
    expect((await keys()).accessKeyId).toBe('ASIA1');
    now += 2 * 60_000;
    expect((await keys()).accessKeyId).toBe('ASIA2');
    expect(asked).toHaveLength(4);
  });

  it('keeps a session that is good for minutes when the next can not be had, and repeats what fails', async () => {
    sts = [{ status: 503, body: '' }, session(1, 60), refusal('AccessDenied'), refusal('AccessDenied')];
    const keys = ask(env, role);
    expect((await keys()).accessKeyId).toBe('ASIA1');
    now += 57 * 60_000;
    expect((await keys()).accessKeyId).toBe('ASIA1');
    now += 3 * 60_000;
    await expect(keys()).rejects.toMatchObject({ code: 'cdn.role' });
  });

  it.each([
    [
      'AccessDenied',
      /publish: AccessDenied: Not authorized/,
      /the subject repo:acme\/site:ref:refs\/heads\/main with the audience sts/,
    ],
    ['InvalidIdentityToken', /InvalidIdentityToken/, /identity provider for https:\/\/token\.actions/],
  ])('that is not given (%s) is told with what the account needs', async (code, message, hint) => {
    sts = [refusal(code)];
    await expect(ask(env, role)()).rejects.toMatchObject({
      code: 'cdn.role',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
  });

  it('needs a token', async () => {
    await expect(ask({ GITHUB_ACTIONS: 'true' }, role)()).rejects.toMatchObject({
      code: 'cdn.role',
      hint: expect.stringContaining('id-token: write'),
    });
    await expect(ask({}, role)()).rejects.toMatchObject({
      hint: expect.stringContaining('Outside GitHub'),
    });
    await expect(ask({ AWS_WEB_IDENTITY_TOKEN_FILE: '/nowhere' }, role)()).rejects.toMatchObject({
      message: expect.stringContaining('AWS_WEB_IDENTITY_TOKEN_FILE'),
    });
  });

  it.each([
    ['cdn.role, before keys', { role, keys: true, token: true }, 'ASIA1'],
    ['cdn.role, but keys where no token can be had', { role, keys: true, token: false }, 'AKIAEXAMPLE'],
    ['keys, before AWS_ROLE_ARN', { arn: role, keys: true, token: true }, 'AKIAEXAMPLE'],
    ['AWS_ROLE_ARN without keys', { arn: role, keys: false, token: true }, 'ASIA1'],
  ])('or keys: %s', async (_, given, taken) => {
    sts = [session(1, 60)];
    const { ACTIONS_ID_TOKEN_REQUEST_URL: url, ...rest } = env;
    const all = {
      ...rest,
      ...(given.token ? { ACTIONS_ID_TOKEN_REQUEST_URL: url } : {}),
      ...(given.keys ? pair : {}),
      ...('arn' in given ? { AWS_ROLE_ARN: given.arn } : {}),
    };
    expect((await ask(all, 'role' in given ? given.role : undefined)()).accessKeyId).toBe(taken);
  });
});

describe('a signature', () => {
  const request = {
    method: 'GET',
    host: 'examplebucket.s3.amazonaws.com',
    path: '/test.txt',
    query: {},
    sha256: emptySha256,
  };
  const keys = async () => ({
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  });

  it('is the one of the example of AWS', async () => {
    now = Date.UTC(2013, 4, 24);
    const sign = createSigner({ keys, region: 'us-east-1', service: 's3', clock });
    const headers = await sign({ ...request, headers: { range: 'bytes=0-9' } });
    // docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, "Example: GET Object".
    expect(headers.authorization).toContain(
      'Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    );
  });

  it('has the time of the server once that is known to be another', async () => {
    now = Date.UTC(2026, 0, 1);
    const sign = createSigner({ keys, region: 'us-east-1', service: 's3', clock });
    expect(sign.learnTime(new Date(now + 30_000).toUTCString())).toBe(false);
    expect([sign.learnTime(undefined), sign.learnTime('soon')]).toEqual([false, false]);
    expect(sign.learnTime(new Date(now + 3_600_000).toUTCString())).toBe(true);
    expect((await sign({ ...request, headers: {} }))['x-amz-date']).toBe('20260101T010000Z');
    now += 60_000;
    expect(sign.learnTime(new Date(now + 3_600_000).toUTCString())).toBe(false);
    expect((await sign({ ...request, headers: {} }))['x-amz-date']).toBe('20260101T010100Z');
  });
});
