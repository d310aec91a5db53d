import { describe, expect, it } from 'vitest';
import type { HttpAnswer } from '../../../../src/cdn/aws/http.ts';
import { encodePart, encodeQuery } from '../../../../src/cdn/aws/sign.ts';
import { elements, escapeXml, hasXmlForm, text } from '../../../../src/cdn/aws/xml.ts';
import { addressOf, encodeKey } from '../../../../src/cdn/stores/address.ts';
import { refusalOf, refused, verdictOf } from '../../../../src/cdn/stores/answer.ts';
import { partSizeOf } from '../../../../src/cdn/stores/multipart.ts';
import { createBudget, createPace } from '../../../../src/cdn/stores/pace.ts';
import { lossOf, pauseMs } from '../../../../src/cdn/stores/retry.ts';

const never = new AbortController().signal;
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('the pace', () => {
  it('begins with 64, grows by one for each round of answers, and never beyond 256', async () => {
    const pace = createPace(never);
    expect(pace.limit()).toBe(64);
    for (let at = 0; at < 66; at += 1) (await pace.enter()).leave('answered');
    expect(pace.limit()).toBe(65);
    for (let at = 0; at < 100_000; at += 1) (await pace.enter()).leave('answered');
    expect(pace.limit()).toBe(256);
  });

  it('halves once for requests that were on their way together, down to one', async () => {
    const pace = createPace(never);
    const together = await Promise.all(Array.from({ length: 64 }, () => pace.enter()));
    for (const turn of together) turn.leave('busy');
    expect(pace.limit()).toBe(32);
    for (let at = 0; at < 10; at += 1) (await pace.enter()).leave('busy');
    expect(pace.limit()).toBe(1);
  });

  it('lets in as many as it says, in the order they came', async () => {
    const pace = createPace(never, { start: 2, most: 2 });
    const order: number[] = [];
    const turns = Array.from({ length: 2000 }, (_, at) =>
      pace.enter().then((turn) => {
        order.push(at);
        return turn;
      }),
    );
    await settled();
    expect(order).toEqual([0, 1]);
    for (const turn of turns) (await turn).leave('answered');
    expect(order).toEqual(Array.from({ length: 2000 }, (_, at) => at));
  });

  it('lets in at once what is urgent, however many wait, and counts it', async () => {
    const pace = createPace(never, { start: 1, most: 1 });
    const first = await pace.enter();
    const waiting = pace.enter();
    const urgent = await pace.enter(true);
    first.leave('answered');
    expect(await Promise.race([waiting.then(() => 'in'), settled().then(() => 'waits')])).toBe('waits');
    urgent.leave('answered');
    await waiting;
  });

  it('lets nobody wait once it is over', async () => {
    const controller = new AbortController();
    const pace = createPace(controller.signal, { start: 1, most: 1 });
    await pace.enter();
    const waiting = pace.enter();
    controller.abort(new Error('over'));
    await expect(waiting).rejects.toThrow('over');
    await expect(pace.enter()).rejects.toThrow('over');
  });

  it('has so many bytes in memory at once, and room for one that is larger than that', async () => {
    const budget = createBudget(never, 100);
    const first = await budget.take(60);
    const taken: string[] = [];
    const large = budget.take(1000).then((release) => {
      taken.push('large');
      return release;
    });
    const small = budget.take(10).then((release) => {
      taken.push('small');
      return release;
    });
    await settled();
    expect(taken).toEqual([]);
    first();
    const release = await large;
    await settled();
    expect(taken).toEqual(['large']);
    release();
    release();
    (await small)();
    await Promise.all([budget.take(50), budget.take(50)]);
  });
});

describe('repeating', () => {
  const answer = (status: number, body = '', headers: Record<string, string> = {}): HttpAnswer => ({
    status,
    headers,
    body: Buffer.from(body),
  });
  const error = (code: string) =>
    `<?xml version="1.0"?>\n<Error><Code>${code}</Code><Message>m</Message></Error>`;

  it.each([
    [503, error('SlowDown'), 'busy'],
    [503, '<html>busy</html>', 'busy'],
    [500, error('InternalError'), 'busy'],
    [200, error('InternalError'), 'busy'],
    [200, `\n\n${error('SlowDown')}`, 'busy'],
    [502, '', 'busy'],
    [504, '', 'busy'],
    [429, '', 'busy'],
    [400, error('RequestTimeout'), 'busy'],
    [409, error('ConditionalRequestConflict'), 'conflict'],
    [409, error('OperationAborted'), 'conflict'],
    [409, error('BucketNotEmpty'), 'no'],
    [400, error('InvalidArgument'), 'no'],
    [403, error('AccessDenied'), 'no'],
    [404, '', 'no'],
    [412, '', 'no'],
    [501, error('NotImplemented'), 'no'],
  ] as const)('a status %i with %j is: %s', (status, body, verdict) => {
    const refusal = refusalOf(answer(status, body));
    expect(refusal && verdictOf(refusal)).toBe(verdict);
  });

  it('takes what an object holds, and failures of single deletes, for no error', () => {
    expect(refusalOf(answer(200, error('SlowDown'), { etag: '"x"' }))).toBeUndefined();
    expect(
      refusalOf(answer(200, '<DeleteResult><Error><Key>a</Key></Error></DeleteResult>')),
    ).toBeUndefined();
    expect(refusalOf(answer(204))).toBeUndefined();
  });

  it('waits for anything up to a limit that doubles, and for what it is asked to', () => {
    expect([1, 2, 3, 4].map((tries) => pauseMs(tries, 0, 1))).toEqual([100, 200, 400, 800]);
    expect(pauseMs(30, 0, 1)).toBe(20_000);
    expect(pauseMs(3, 0, 0)).toBe(0);
    expect(pauseMs(1, 5000, 0.5)).toBe(5000);
    expect(pauseMs(1, 3_600_000, 0.5)).toBe(60_000);
  });

  it.each([
    ['ECONNRESET', 'lost'],
    ['ETIMEDOUT', 'lost'],
    ['EPIPE', 'lost'],
    ['HPE_INVALID_CONSTANT', 'lost'],
    ['ECONNREFUSED', 'unreachable'],
    ['ENOTFOUND', 'unreachable'],
    ['CERT_HAS_EXPIRED', 'untrusted'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'untrusted'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'untrusted'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'untrusted'],
  ])('after %s a request is: %s', (code, loss) => {
    expect(lossOf(Object.assign(new Error('x'), { code }))).toBe(loss);
  });

  it.each([
    ['NoSuchBucket', 404, undefined, 'cdn.store-missing'],
    ['AccessDenied', 403, undefined, 'cdn.store-denied'],
    [undefined, 403, undefined, 'cdn.store-denied'],
    ['SignatureDoesNotMatch', 403, undefined, 'cdn.store-denied'],
    ['InvalidAccessKeyId', 404, undefined, 'cdn.store-denied'],
    ['AuthorizationHeaderMalformed', 400, 'eu-west-1', 'cdn.store-region'],
    [undefined, 400, 'eu-west-1', 'cdn.store-region'],
    ['PermanentRedirect', 301, undefined, 'cdn.store-region'],
    ['XAmzContentSHA256Mismatch', 400, undefined, 'cdn.dist'],
    ['EntityTooLarge', 400, undefined, 'cdn.store-refused'],
  ] as const)('%s with status %i is told as such', (code, status, region, told) => {
    const request = {
      kind: 'put',
      what: 'PUT app.js',
      store: 's3://site',
      bucket: 'site',
      endpoint: 'https://s3.example.com',
      region: 'us-east-1',
      accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    } as const;
    const said = refused(
      { status, code, message: `##[error]bad\u001b[31m ${'x'.repeat(500)}`, region },
      request,
    );
    expect(said.code).toBe(told);
    expect(said.message).not.toMatch(/##\[|\u001b|AKIAIOSFODNN7EXAMPLE/);
    expect(said.message.length).toBeLessThan(500);
    if (region !== undefined) expect(said.hint).toBe('cdn.region: eu-west-1');
  });
});

describe('the address', () => {
  const none = { prefix: '', endpoint: undefined, region: undefined, style: undefined, role: undefined };
  const of = (settings: Partial<Parameters<typeof addressOf>[0]>, env: Record<string, string> = {}) => {
    const { origin, host, region, path } = addressOf({ ...none, bucket: 'site', ...settings }, env);
    return `${origin.secure ? 'https' : 'http'}://${host}${path('a b')} ${region}`;
  };

  it.each([
    [{}, {}, 'https://site.s3.us-east-1.amazonaws.com/a%20b us-east-1'],
    [{}, { AWS_REGION: 'eu-central-1' }, 'https://site.s3.eu-central-1.amazonaws.com/a%20b eu-central-1'],
    [{ region: 'cn-north-1' }, {}, 'https://site.s3.cn-north-1.amazonaws.com.cn/a%20b cn-north-1'],
    [{ bucket: 'my.site' }, {}, 'https://s3.us-east-1.amazonaws.com/my.site/a%20b us-east-1'],
    [{ bucket: 'Old_Site' }, {}, 'https://s3.us-east-1.amazonaws.com/Old_Site/a%20b us-east-1'],
    [{ style: 'path' }, {}, 'https://s3.us-east-1.amazonaws.com/site/a%20b us-east-1'],
    [
      {},
      { AWS_ENDPOINT_URL: 'http://a:9000', AWS_ENDPOINT_URL_S3: 'http://b:9000/' },
      'http://b:9000/site/a%20b us-east-1',
    ],
    [{}, { AWS_ENDPOINT_URL: 'http://a:9000' }, 'http://a:9000/site/a%20b us-east-1'],
    [
      { endpoint: 'https://minio.example.com/s3/' },
      { AWS_ENDPOINT_URL_S3: 'http://b:9000' },
      'https://minio.example.com/s3/site/a%20b us-east-1',
    ],
    [
      { endpoint: 'https://x.r2.cloudflarestorage.com' },
      { AWS_REGION: 'eu-west-1' },
      'https://x.r2.cloudflarestorage.com/site/a%20b auto',
    ],
    [
      { endpoint: 'https://x.r2.cloudflarestorage.com/site' },
      {},
      'https://x.r2.cloudflarestorage.com/site/a%20b auto',
    ],
    [
      { endpoint: 'https://site.s3.eu-west-1.amazonaws.com' },
      { AWS_REGION: 'eu-west-1' },
      'https://site.s3.eu-west-1.amazonaws.com/a%20b eu-west-1',
    ],
    [
      { endpoint: 'https://fra1.example.com', style: 'host' },
      {},
      'https://site.fra1.example.com/a%20b us-east-1',
    ],
  ] as const)('of %j with %j is %s', (settings, env, address) => {
    expect(of(settings, env)).toBe(address);
  });

  it('is refused if it is not an HTTP URL', () => {
    expect(() => of({ endpoint: 'minio.example.com:9000' })).toThrow('not an HTTP URL');
  });

  it('has the region of the environment without white space, or none at all', () => {
    expect(of({}, { AWS_REGION: ' eu-west-1\n' })).toBe(
      'https://site.s3.eu-west-1.amazonaws.com/a%20b eu-west-1',
    );
    expect(() => of({}, { AWS_REGION: 'eu-west-1\r\nx: y' })).toThrow('AWS_REGION');
  });

  it('encodes what is no letter, digit or one of -._~', () => {
    expect(encodeKey("a b/c+d%~e'é!*()&=?#//..")).toBe(
      'a%20b/c%2Bd%25~e%27%C3%A9%21%2A%28%29%26%3D%3F%23//..',
    );
    expect(encodePart('a/b')).toBe('a%2Fb');
    expect(encodeQuery({ uploads: '', prefix: 'a b/' })).toBe('uploads=&prefix=a%20b%2F');
  });
});

describe('XML', () => {
  it('is read by name, whatever stands around', () => {
    const xml =
      '<?xml version="1.0"?><R xmlns="x"><KeyCount>2</KeyCount><Key>a&amp;b&#x27;&#233;</Key><E/><C><Key>1</Key></C><C a="b"><Key>2</Key></C></R>';
    expect(text(xml, 'Key')).toBe("a&b'é");
    expect(text(xml, 'KeyCount')).toBe('2');
    expect(text(xml, 'E')).toBe('');
    expect(text(xml, 'None')).toBeUndefined();
    expect(elements(xml, 'C').map((element) => text(element, 'Key'))).toEqual(['1', '2']);
    expect(elements('<C><Key>cut', 'C')).toEqual([]);
    expect(text('<A>&unknown; &#xffffff;</A>', 'A')).toBe('&unknown; &#xffffff;');
  });

  it('has keys with everything it can say, and knows what it can not', () => {
    const key = 'a&b<c>"d\'\t\r\né𝒳';
    expect(text(`<Key>${escapeXml(key)}</Key>`, 'Key')).toBe(key);
    expect([hasXmlForm(key), hasXmlForm('a\u0001'), hasXmlForm('a\ufffe'), hasXmlForm('a\ud800')]).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });
});

it('cuts large bodies into at most 10,000 parts of 8 MiB or more', () => {
  const mebi = 1024 * 1024;
  expect([partSizeOf(17 * mebi), partSizeOf(80_000 * mebi), partSizeOf(100_000 * mebi)]).toEqual([
    8 * mebi,
    8 * mebi,
    10 * mebi,
  ]);
});
