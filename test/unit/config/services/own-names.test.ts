import { describe, expect, test } from 'vitest';
import { ownNamesIn } from '../../../../src/config/health/check.ts';
import type { ComposeService } from '../../../../src/config/model.ts';

const shell = (line: string, more: ComposeService = {}): ComposeService => ({
  ...more,
  healthcheck: { test: ['CMD-SHELL', line] },
});

describe('own names that a check asks by', () => {
  const service = { hostname: 'bhost', container_name: 'shop.web', networks: { a: { aliases: ['www'] } } };
  test.each<[line: string, names: string[]]>([
    ['curl -I http://config:8888/actuator/health', ['config']],
    ['curl -fs bhost:9000/ping || exit 1', ['bhost']],
    ['curl -fs bhost', ['bhost']],
    ['wget -q --spider WWW/ping', ['www']],
    ['curl -f http://me:secret@shop.web/x', ['shop.web']],
    ['nc -z config 1025', ['config']],
    ['bash -c "</dev/tcp/www/80"', ['www']],
    ['grpc_health_probe -addr=config:50051', ['config']],
    ['redis-cli -h bhost ping', ['bhost']],
    ['mysqladmin ping --host=bhost', ['bhost']],
    ['node -e "http.get({ host: \'config\', port: 80 })"', ['config']],
    ['python -c "import socket; socket.create_connection((\'config\', 80))"', ['config']],
    ['wget -qO- "http://config/health"', ['config']],
    ['wget --spider https://user:x@config/', ['config']],
    ['echo x && curl -f http://config', ['config']],
    ['curl -f http://my-config:8888 && curl config-server:8888', []],
    ['curl -f http://config:$$PORT/ && curl -f http://www/', ['config', 'www']],
    ['curl -f http://localhost:8888/config/health', []],
    ['curl -f http://config.example.com/', []],
    ['curl -f http://shopxweb/', []],
    ['config --check && cat config', []],
    ['curl -f http://127.0.0.1/', []],
  ])('%s', (line, names) => expect(ownNamesIn(shell(line, service), 'config')).toEqual(names));

  test('none without a check', () => {
    expect(ownNamesIn({}, 'config')).toEqual([]);
    expect(ownNamesIn(shell('curl http://localhost/'), 'localhost')).toEqual([]);
  });
});
