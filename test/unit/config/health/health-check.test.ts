import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { healthCheckOf, ownNamesIn } from '../../../../src/config/health/check.ts';
import type { ComposeService } from '../../../../src/config/model.ts';

const shell = (line: string, more: ComposeService = {}): ComposeService => ({
  ...more,
  healthcheck: { test: ['CMD-SHELL', line] },
});
const words = (...test: string[]): ComposeService => ({ healthcheck: { test: ['CMD', ...test] } });
/** As short as the tables need it: kind, port, path. */
const asked = (service: ComposeService, name = 'web') => {
  const check = healthCheckOf(service, name);
  if (check === undefined) return undefined;
  return `${check.kind}${check.tls ? 's' : ''} ${check.port ?? '?'} ${check.path ?? '-'}`;
};

describe('what a health check asks', () => {
  test.each<[line: string, expected: string | undefined]>([
    ['curl -f http://localhost:8000/api/health || exit 1', 'http 8000 /api/health'],
    ['curl -fsS -o /dev/null "http://127.0.0.1:3000/"', 'http 3000 /'],
    ['curl -fsSo /dev/null -m5 -H "Accept: text/html" localhost:3000/up', 'http 3000 /up'],
    ['curl --fail --silent --max-time 3 localhost/up && echo ok', 'http 80 /up'],
    ['/usr/bin/curl -f http://[::1]:8080 | grep -q ok', 'http 8080 /'],
    ['curl -I http://0.0.0.0:8080/a?b=1&c=2', 'http 8080 /a?b=1'],
    ['curl -k https://localhost/health', 'https 443 /health'],
    ['test "$$(curl -s -o /dev/null -w \'%{http_code}\' http://localhost:81/x)" = 200', 'http 81 /x'],
    ['timeout 5 sh -c "curl -f http://localhost:9/x || exit 1"', 'http 9 /x'],
    ['if ! curl -f localhost:8080/health; then exit 1; fi', 'http 8080 /health'],
    ['curl --unix-socket /run/app.sock http://localhost/health', undefined],
    ['wget --spider -q http://0.0.0.0/up', 'http 80 /up'],
    ['wget -qO- localhost:9000/ping || exit 1', 'http 9000 /ping'],
    ['wget --no-verbose --tries=1 --spider http://localhost:8080/ping', 'http 8080 /ping'],
    ['wget -q -T 3 -t 1 -O /dev/null http://127.0.0.1:8096/health', 'http 8096 /health'],
    ['busybox wget -q -Y off -O - http://localhost:3000/x', 'http 3000 /x'],
    ['wget http://$$(hostname -i):8080/x', 'http 8080 /x'],
    ['wget -q http://$$HOSTNAME:8080/x', 'http 8080 /x'],
    ['wget -q http://`hostname`:8080/x', 'http 8080 /x'],
    ['curl http://user:secret@localhost:8080/x', 'http 8080 /x'],
    ['curl http://localhost:$$PORT/health', 'http ? /health'],
    ['curl http://localhost:$${PORT:-80}/health', 'http 80 /health'],
    ['curl http://localhost:80/$$NAME', 'http 80 -'],
    ['curl http://localhost:65536/', 'http ? /'],
    [
      'python -c "import urllib.request as r; r.urlopen(\'http://localhost:8000/health\')"',
      'http 8000 /health',
    ],
    [
      'python3 -c "import requests; requests.get(\'http://127.0.0.1:5000/h\').raise_for_status()"',
      'http 5000 /h',
    ],
    ['python -c "import httpx; httpx.get(\'http://web:8000/h\', follow_redirects=True)"', 'http 8000 /h'],
    [
      "python -c \"import http.client as h; c = h.HTTPConnection('localhost', 8000); c.request('GET', '/h'); exit(c.getresponse().status != 200)\"",
      'http 8000 /h',
    ],
    ['python -c "import socket; socket.create_connection((\'localhost\', 8000))"', 'tcp 8000 -'],
    ['node -e "fetch(\'http://127.0.0.1:3000/\').catch(() => process.exit(1))"', 'http 3000 /'],
    [
      "node -e \"require('http').get({host:'localhost',port:9200,path:'/hz'},r=>process.exit(r.statusCode===200?0:1))\"",
      'http 9200 /hz',
    ],
    [
      "node -e \"require('http').request({ path: '/hz', port: 9200, hostname: '127.0.0.1' }, r => 0).end()\"",
      'http 9200 /hz',
    ],
    ['node -e "require(\'https\').get({ port: 8443 })"', 'https 8443 /'],
    [
      "node -e \"require('http').get('http://localhost:3000/h', r => process.exit(r.statusCode < 400 ? 0 : 1))\"",
      'http 3000 /h',
    ],
    ["node -e \"http.get('http://localhost:' + (process.env.PORT || 3000) + '/h')\"", 'http 3000 /h'],
    ["node -e 'fetch(`http://localhost:$${process.env.PORT || 3000}/h`)'", 'http 3000 /h'],
    ['node -e "require(\'net\').connect(3000)"', 'tcp 3000 -'],
    ['bun -e "await fetch(\'http://localhost:3000/h\')"', 'http 3000 /h'],
    ['php -r "exit(@file_get_contents(\'http://localhost:8080/h\') === false ? 1 : 0);"', 'http 8080 /h'],
    ['php -r "fsockopen(\'127.0.0.1\', 9000) || exit(1);"', 'tcp 9000 -'],
    [
      "ruby -rnet/http -e \"exit Net::HTTP.get_response('localhost', '/up', 3000).is_a?(Net::HTTPSuccess)\"",
      'http 3000 /up',
    ],
    [
      "ruby -rnet/http -e \"exit Net::HTTP.get_response(URI('http://localhost:3000/up')).code == '200'\"",
      'http 3000 /up',
    ],
    ['exec 3<>/dev/tcp/127.0.0.1/9000 && echo -e "GET /h HTTP/1.1\\r\\n" >&3 && grep ok <&3', 'http 9000 /h'],
    ['nc -z localhost 5432', 'tcp 5432 -'],
    ['nc -zvw 3 127.0.0.1 25 || exit 1', 'tcp 25 -'],
    ['busybox nc -w 1 web 1025 </dev/null', 'tcp 1025 -'],
    ['timeout 1 bash -c "</dev/tcp/127.0.0.1/9092"', 'tcp 9092 -'],
    ["bash -c ':> /dev/tcp/localhost/1883'", 'tcp 1883 -'],
    ['/bin/grpc_health_probe -addr=:50051', 'grpc 50051 -'],
    ['grpc_health_probe -addr localhost:7000 -connect-timeout 1s', 'grpc 7000 -'],
    ['pg_isready -U app -d app', 'client ? -'],
    ['pg_isready -p 5433', 'client 5433 -'],
    ['redis-cli ping | grep PONG', 'client ? -'],
    ['mysqladmin ping -h localhost -u root -p$$MYSQL_ROOT_PASSWORD', 'client ? -'],
    ['SCRIPT_NAME=/ping cgi-fcgi -bind -connect 127.0.0.1:9000', 'client 9000 -'],
    ['./healthcheck.sh', 'script ? -'],
    ['node /app/healthcheck.js', 'script ? -'],
    ['traefik healthcheck --ping', 'script ? -'],
    ['pg_isready -h db', undefined],
    ['curl http://other-service:8000/health', undefined],
    ['curl https://example.com', undefined],
    ['nc -z db 1', undefined],
    ['grpc_health_probe -addr=other:50051', undefined],
    ['curl -f other/health', undefined],
    ['celery -A app inspect ping', undefined],
    ['test -f /tmp/ready', undefined],
  ])('%s', (line, expected) => expect(asked(shell(line))).toBe(expected));

  test('words as they are given, without a shell', () => {
    expect(asked(words('curl', '-f', 'http://localhost:8000/h'))).toBe('http 8000 /h');
    expect(asked(words('wget', '--spider', '-q', 'http://127.0.0.1:9100/healthz'))).toBe(
      'http 9100 /healthz',
    );
    expect(asked(words('sh', '-c', 'curl -f localhost:1234/h || exit 1'))).toBe('http 1234 /h');
    expect(asked(words('node', '-e', "fetch('http://localhost:3000/h')"))).toBe('http 3000 /h');
  });

  test('every name of its own counts, and no other', () => {
    const service = {
      hostname: 'bhost',
      domainname: 'example.com',
      container_name: 'Shop_Web',
      networks: { default: { aliases: ['www.shop.internal'] }, other: null },
    };
    const port = (host: string) => healthCheckOf(shell(`curl -fs ${host}:9000/ping`, service), 'web')?.port;
    for (const host of ['web', 'bhost', 'bhost.example.com', 'shop_web', 'SHOP_WEB', 'www.shop.internal'])
      expect(port(host), host).toBe(9000);
    for (const host of ['api', 'webb', 'web.example.com', 'internal', '10.0.0.1'])
      expect(port(host), host).toBeUndefined();
  });

  test('variables have the values that the service gives them', () => {
    const environment = { PORT: '3100', EMPTY: '', LATER: null, NAME: 'web', ODD: 'a b;c' };
    const check = (line: string) => asked(shell(line, { environment }));
    expect(check('curl http://localhost:$$PORT/h')).toBe('http 3100 /h');
    expect(check('curl http://localhost:$${PORT}/h')).toBe('http 3100 /h');
    expect(check('curl http://localhost:$${OTHER:-$${PORT:-1}}/h')).toBe('http 3100 /h');
    expect(check('curl http://localhost:$${EMPTY:-81}/h')).toBe('http 81 /h');
    expect(check('curl http://localhost:$${LATER:-82}/h')).toBe('http 82 /h');
    expect(check('curl http://$$NAME:83/h')).toBe('http 83 /h');
    expect(check('curl http://localhost:84/$$ODD')).toBe('http 84 -');
    expect(check('node -e "http.get({ port: process.env.PORT || 1, path: \'/h\' })"')).toBe('http 3100 /h');
  });

  test.each<[line: string, facts: object]>([
    ['curl -f http://localhost/', { method: 'GET', redirects: false, accepts: 'success', what: 'curl' }],
    ['curl -fIL http://localhost/', { method: 'HEAD', redirects: true, accepts: 'success' }],
    ['curl -X OPTIONS http://localhost/', { method: 'OPTIONS', accepts: 'any' }],
    ['curl -sf -d "{}" http://localhost/', { method: 'POST', accepts: 'success' }],
    ['curl -f -H "Host: shop.example.com" http://localhost/', { host: 'shop.example.com' }],
    ['curl -f --header="host:shop" http://localhost/', { host: 'shop' }],
    ['curl -so /dev/null -w "%{http_code}" http://localhost/ | grep -q 401', { accepts: 401 }],
    ['test "$$(curl -so /dev/null -w %{http_code} localhost/)" -eq 204', { accepts: 204 }],
    ['curl -s http://localhost/ | grep -q ok', { accepts: 'success' }],
    [
      'wget --spider http://localhost/',
      { method: 'HEAD', redirects: true, accepts: 'success', what: 'wget' },
    ],
    ['wget --header "Host: shop" -qO- http://localhost/', { host: 'shop', method: 'GET' }],
    [
      'node -e "fetch(\'http://localhost/\').then(r => process.exit(r.ok ? 0 : 1))"',
      { accepts: 'success', redirects: true, what: 'node' },
    ],
    ['node -e "fetch(\'http://localhost/\')"', { accepts: 'any' }],
    [
      'node -e "http.get(\'http://localhost/\', r => process.exit(r.statusCode < 500 ? 0 : 1))"',
      { accepts: 'any', redirects: false },
    ],
    [
      'node -e "http.get(\'http://localhost/\', r => process.exit(r.statusCode < 400 ? 0 : 1))"',
      { accepts: 'success' },
    ],
    [
      "node -e \"fetch('http://localhost/', { method: 'HEAD', headers: { host: 'shop' } })\"",
      { method: 'HEAD', host: 'shop' },
    ],
    [
      'python -c "import urllib.request as u; u.urlopen(\'http://localhost/\')"',
      { accepts: 'success', redirects: true },
    ],
    ['python -c "import requests; requests.get(\'http://localhost/\')"', { accepts: 'any', redirects: true }],
  ])('how it asks: %s', (line, facts) => expect(healthCheckOf(shell(line), 'web')).toMatchObject(facts));

  test('none when it is switched off', () => {
    expect(
      healthCheckOf({ healthcheck: { disable: true, test: ['CMD', 'curl', 'http://localhost/'] } }),
    ).toBeUndefined();
    for (const test of [['NONE'], [], ['CMD']])
      expect(healthCheckOf({ healthcheck: { test } })).toBeUndefined();
    expect(healthCheckOf({})).toBeUndefined();
  });
});

test('any check is read without an error, and in no time', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      ...[
        'curl ',
        'wget ',
        '-f',
        ' -o',
        '--header=',
        'http://',
        'https://',
        'localhost',
        ':',
        '/',
        '8000',
        '$$',
        '${',
      ],
      ...[
        '}',
        ':-',
        '$(',
        '`',
        ')',
        '"',
        "'",
        '\\',
        ' ',
        '|',
        '||',
        '&&',
        ';',
        '\n',
        'sh -c ',
        'node -e ',
        '{',
        ',',
      ],
      ...[
        'process.env.',
        'port: ',
        'host: ',
        'http.get(',
        'nc -z ',
        '/dev/tcp/',
        'grpc_health_probe ',
        'healthcheck.sh',
      ],
    ),
    fc.string({ maxLength: 5 }),
  );
  fc.assert(
    fc.property(
      fc.array(
        fc.array(piece, { maxLength: 20 }).map((list) => list.join('')),
        { maxLength: 4 },
      ),
      fc.constantFrom('CMD', 'CMD-SHELL', 'NONE', 'x'),
      (list, form) => {
        const service = { healthcheck: { test: [form, ...list] }, environment: { PORT: '1', A: null } };
        const check = healthCheckOf(service, 'web');
        expect(check?.path ?? '/').toMatch(/^\/[!-~]*$/);
        expect(check?.port ?? 1).toBeGreaterThanOrEqual(1);
        expect(ownNamesIn(service, 'web').length).toBeLessThanOrEqual(1);
      },
    ),
    { numRuns: 500 },
  );
});

test.each([
  'a',
  ' ',
  '"',
  '$(',
  '`',
  '${A:-',
  'http://',
  'http://a@',
  'curl -',
  'nc -z ',
  'process.env.A||',
  '-addr=',
  '(',
  'health',
  './',
  'http.get({',
  'host:',
  "'a',",
  'grep ',
  'http_code = ',
  'HTTPConnection("a",',
  'sh -c ',
  '\\',
])('thousands of %j are read in no time', (piece) => {
  const line = piece.repeat(Math.ceil(8192 / piece.length));
  const start = performance.now();
  healthCheckOf(shell(line), 'web');
  healthCheckOf(words('curl', line), 'web');
  ownNamesIn(shell(line), 'web');
  // Milliseconds; a pattern that backtracks takes minutes.
  expect(performance.now() - start).toBeLessThan(2000);
});
