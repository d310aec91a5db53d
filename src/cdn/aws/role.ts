import { readFile } from 'node:fs/promises';
import type { Clock } from '../../kernel/clock.ts';
import { messageOf, UserError } from '../../kernel/errors.ts';
import { harmless } from '../../kernel/foreign.ts';
import type { Mask } from '../../kernel/masking/mask.ts';
import { retry } from '../../kernel/retry.ts';
import { type HttpAnswer, openHttp, originOf } from './http.ts';
import type { AwsKeys } from './sign.ts';
import { elements, text } from './xml.ts';

export interface CredentialOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `cdn.role`. */
  readonly role: string | undefined;
  readonly mask: Mask;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

interface Session {
  readonly keys: AwsKeys;
  /** ms since the epoch. */
  readonly expires: number;
}

const audience = 'sts.amazonaws.com';
/** Every role allows this duration. */
const sessionSeconds = 3600;
/** A signed request may be checked later, and a new session takes a moment. */
const renewBeforeMs = 5 * 60_000;
const tries = 4;
const pauseMs = 500;

/**
 * Assumes a role with an OIDC token: GitHub's for the job, or the one in AWS_WEB_IDENTITY_TOKEN_FILE. @returns
 * a function that returns keys valid for minutes at least, renewed before they expire. It rejects with
 * UserError `cdn.role`.
 */
export function assumeRole(arn: string, options: CredentialOptions): () => Promise<AwsKeys> {
  const { clock } = options;
  let session: Session | undefined;
  let asking: Promise<Session> | undefined;

  async function ask(): Promise<Session> {
    try {
      session = await takeSession(arn, options);
      return session;
    } catch (error) {
      // The old one is valid for some more minutes.
      if (session !== undefined && session.expires > clock.now() + renewBeforeMs / 5) return session;
      throw error;
    } finally {
      asking = undefined;
    }
  }

  return async () => {
    if (session !== undefined && session.expires - renewBeforeMs > clock.now()) return session.keys;
    asking ??= ask();
    return (await asking).keys;
  };
}

async function takeSession(arn: string, options: CredentialOptions): Promise<Session> {
  const { env, mask, clock, signal } = options;
  const http = openHttp(env, signal, { silenceMs: 20_000, connections: 2 });

  /** Both services fail now and then. */
  async function send(
    what: string,
    url: URL,
    headers: Record<string, string>,
    form?: string,
  ): Promise<HttpAnswer> {
    const body = form === undefined ? undefined : Buffer.from(form);
    const request = {
      method: body === undefined ? 'GET' : 'POST',
      origin: originOf(url),
      path: `${url.pathname}${url.search}`,
      headers: { ...headers, host: url.host, 'content-length': String(body?.length ?? 0) },
      ...(body === undefined ? {} : { body }),
    };
    const attempt = async (tried: number) => {
      const answer = await http.send(request).catch((error) => {
        signal.throwIfAborted();
        throw failed(`${what} at ${url.host} cannot be reached: ${messageOf(error)}`);
      });
      if (answer.status >= 500 && tried < tries) throw failed(`${what} answered ${answer.status}`);
      return answer;
    };
    return await retry(attempt, {
      clock,
      signal,
      pauseMs: (_, tried) => (tried < tries && !signal.aborted ? pauseMs * 2 ** (tried - 1) : undefined),
    });
  }

  try {
    if (env.ACTIONS_ID_TOKEN_REQUEST_TOKEN) mask.add(env.ACTIONS_ID_TOKEN_REQUEST_TOKEN);
    const token = await tokenOf(env, send);
    mask.add(token);
    const url = new URL(stsEndpoint(arn, env));
    const form = new URLSearchParams({
      Action: 'AssumeRoleWithWebIdentity',
      Version: '2011-06-15',
      RoleArn: arn,
      RoleSessionName: sessionName(env),
      DurationSeconds: String(sessionSeconds),
      WebIdentityToken: token,
    });
    const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/xml' };
    const answer = await send('AWS STS', url, headers, form.toString());
    const xml = answer.body.toString();
    if (answer.status !== 200) throw notAllowed(arn, token, answer.status, xml);
    const session = readSession(xml);
    mask.add(session.keys.secretAccessKey);
    if (session.keys.sessionToken !== undefined) mask.add(session.keys.sessionToken);
    return session;
  } finally {
    http.close();
  }
}

type Send = (what: string, url: URL, headers: Record<string, string>) => Promise<HttpAnswer>;

async function tokenOf(env: CredentialOptions['env'], send: Send): Promise<string> {
  const file = env.AWS_WEB_IDENTITY_TOKEN_FILE;
  if (file) {
    return readFile(file, 'utf8').then(
      (content) => content.trim(),
      (error) => {
        throw failed(`AWS_WEB_IDENTITY_TOKEN_FILE cannot be read: ${messageOf(error)}`);
      },
    );
  }
  const [address, bearer] = [env.ACTIONS_ID_TOKEN_REQUEST_URL, env.ACTIONS_ID_TOKEN_REQUEST_TOKEN];
  if (!address || !bearer || !URL.canParse(address)) {
    const inGitHub = env.GITHUB_ACTIONS === 'true';
    throw failed(
      inGitHub
        ? 'GitHub gives this job no OIDC token to assume the role'
        : 'The environment has neither a token to assume the role nor keys',
      inGitHub
        ? 'Give the job `permissions: { id-token: write, contents: read }`; a called workflow needs it from its caller. Pull requests from forks never get a token.'
        : 'Outside GitHub, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_WEB_IDENTITY_TOKEN_FILE.',
    );
  }
  const url = new URL(address);
  url.searchParams.set('audience', audience);
  const answer = await send('GitHub’s OIDC service', url, {
    authorization: `bearer ${bearer}`,
    accept: 'application/json',
  });
  const token = tokenIn(answer.body.toString());
  if (answer.status === 200 && token !== undefined) return token;
  throw failed(`GitHub’s OIDC service returned no token (status ${answer.status})`);
}

function tokenIn(json: string): string | undefined {
  try {
    const answer: unknown = JSON.parse(json);
    const value =
      typeof answer === 'object' && answer !== null && 'value' in answer ? answer.value : undefined;
    return typeof value === 'string' && value !== '' ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The regional endpoint. The ARN names the partition; China and GovCloud have no us-east-1. */
function stsEndpoint(arn: string, env: CredentialOptions['env']): string {
  const own = env.AWS_ENDPOINT_URL_STS;
  if (own && URL.canParse(own)) return own;
  const partition = arn.split(':')[1];
  const home =
    partition === 'aws-cn' ? 'cn-north-1' : partition === 'aws-us-gov' ? 'us-gov-west-1' : 'us-east-1';
  const region = env.AWS_REGION?.trim() || env.AWS_DEFAULT_REGION?.trim() || home;
  return `https://sts.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}/`;
}

/** Repository and run, as shown in CloudTrail. */
function sessionName({
  GITHUB_REPOSITORY: repository,
  GITHUB_RUN_ID: run,
}: CredentialOptions['env']): string {
  const tail = run ? `-${run}` : '';
  const name = (repository || 'sluice').replace(/[^\w+=,.@-]/g, '-');
  return `${name.slice(0, 64 - tail.length)}${tail}`;
}

function readSession(xml: string): Session {
  const [credentials = ''] = elements(xml, 'Credentials');
  const accessKeyId = text(credentials, 'AccessKeyId');
  const secretAccessKey = text(credentials, 'SecretAccessKey');
  const sessionToken = text(credentials, 'SessionToken');
  const expires = Date.parse(text(credentials, 'Expiration') ?? '');
  if (!accessKeyId || !secretAccessKey || !sessionToken || Number.isNaN(expires)) {
    throw failed('AWS STS answered without keys');
  }
  return { keys: { accessKeyId, secretAccessKey, sessionToken }, expires };
}

function notAllowed(arn: string, token: string, status: number, xml: string): UserError {
  const [code, said] = [text(xml, 'Code'), text(xml, 'Message')];
  const words = harmless([code, said].filter(Boolean).join(': ') || `status ${status}`).slice(0, 300);
  const subject = subjectOf(token);
  const hints: Readonly<Record<string, string>> = {
    InvalidIdentityToken:
      'The AWS account needs an identity provider for https://token.actions.githubusercontent.com with the audience sts.amazonaws.com.',
    AccessDenied: `Its trust policy must allow sts:AssumeRoleWithWebIdentity to ${
      subject === undefined ? 'the subject of the token' : `the subject ${subject}`
    } with the audience ${audience}.`,
  };
  return failed(`AWS STS refused the role ${arn}: ${words}`, hints[code ?? '']);
}

/** The subject of the token, which the trust policy compares. */
function subjectOf(token: string): string | undefined {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    const subject = typeof claims === 'object' && claims !== null && 'sub' in claims ? claims.sub : undefined;
    return typeof subject === 'string' ? harmless(subject).slice(0, 300) : undefined;
  } catch {
    return undefined;
  }
}

function failed(message: string, hint?: string): UserError {
  return new UserError({ code: 'cdn.role', message, ...(hint === undefined ? {} : { hint }) });
}
