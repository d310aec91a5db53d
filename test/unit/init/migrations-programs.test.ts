import { describe, expect, test } from 'vitest';
import { commandOf } from '../../support/init/migration-fixtures.ts';

describe('other languages', () => {
  const copyAll = (from: string) => `FROM ${from}\nWORKDIR /app\nCOPY . .\n`;

  test.each<[string, Record<string, string>, string, string | undefined]>([
    [
      'Rails',
      {
        'db/migrate/20260101000000_a.rb': '',
        'config/application.rb': '',
        'config/environment.rb': '',
        'bin/rails': '',
      },
      copyAll('ruby:3.4'),
      'bin/rails db:migrate',
    ],
    [
      'Rails without bin',
      { 'db/migrate/20260101000000_a.rb': '', 'config/application.rb': '', 'config/environment.rb': '' },
      copyAll('ruby:3.4'),
      'bundle exec rails db:migrate',
    ],
    [
      'ActiveRecord alone',
      { 'db/migrate/20260101000000_a.rb': '', Rakefile: '' },
      copyAll('ruby:3.4'),
      'bundle exec rake db:migrate',
    ],
    ['an engine', { 'engine/db/migrate/20260101000000_a.rb': '' }, copyAll('ruby:3.4'), undefined],
    [
      'Laravel',
      { artisan: '' },
      'FROM php:8.4-fpm\nWORKDIR /var/www\nCOPY . /var/www/html\n',
      'cd html && php artisan migrate --force',
    ],
    [
      'Symfony',
      { 'bin/console': '', 'composer.json': '{"require":{"doctrine/doctrine-migrations-bundle":"^3"}}' },
      copyAll('php:8.4'),
      'php bin/console doctrine:migrations:migrate --no-interaction --allow-no-migration',
    ],
    [
      'a console without a database',
      { 'bin/console': '', 'composer.json': '{"require":{"symfony/console":"^7"}}' },
      copyAll('php:8.4'),
      undefined,
    ],
    [
      'Phinx',
      { 'phinx.php': '', 'composer.json': '{"require":{"robmorgan/phinx":"*"}}' },
      copyAll('php:8.4'),
      'vendor/bin/phinx migrate',
    ],
    [
      'Ecto in a release, by its overlay',
      { 'mix.exs': 'app: :shop\n{:ecto_sql, "~> 3"}', 'rel/overlays/bin/migrate': '' },
      'FROM elixir:1.19 AS build\nWORKDIR /src\nCOPY . .\nFROM debian:13\nWORKDIR /app\nCOPY --from=build /src/_build/prod/rel/shop ./\n',
      'bin/migrate',
    ],
    [
      'Ecto in a release, by its module',
      {
        'mix.exs': 'app: :shop\n{:ecto_sql, "~> 3"}',
        'lib/shop/release.ex': 'defmodule Shop.Release do\n  def migrate do\n',
      },
      'FROM elixir:1.19 AS build\nWORKDIR /src\nCOPY . .\nFROM debian:13\nCOPY --from=build /src/_build/prod/rel/shop /opt/shop\n',
      '/opt/shop/bin/shop eval "Shop.Release.migrate()"',
    ],
    ['Ecto with mix', { 'mix.exs': '{:ecto_sql, "~> 3"}' }, copyAll('elixir:1.19'), 'mix ecto.migrate'],
    [
      'a .NET bundle',
      { 'Api/Migrations/ShopModelSnapshot.cs': '' },
      'FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build\nWORKDIR /src\nCOPY . .\nRUN dotnet ef migrations bundle -o /out/efbundle\nFROM mcr.microsoft.com/dotnet/aspnet:10.0\nWORKDIR /app\nCOPY --from=build /out/efbundle ./\n',
      '/app/efbundle',
    ],
    [
      '.NET without one',
      { 'Api/Migrations/ShopModelSnapshot.cs': '' },
      copyAll('mcr.microsoft.com/dotnet/aspnet:10.0'),
      'The image has no tool that migrates: build a bundle in the Dockerfile (`dotnet ef migrations bundle -o efbundle`) and copy it into the final stage.',
    ],
    [
      'Diesel',
      { 'diesel.toml': '' },
      `${copyAll('rust:1.90')}RUN cargo install diesel_cli\n`,
      'diesel migration run',
    ],
  ])('%s', async (_, files, Dockerfile, expected) => {
    expect(await commandOf({ ...files, Dockerfile })).toBe(expected);
  });
});

describe('programs that run SQL', () => {
  const environment = { environment: { DB_URL: 'postgres://db/x' } };
  const goose = { 'db/migrations/00001_a.sql': '-- +goose Up\n' };
  const image = (more: string) =>
    `FROM golang:1.26 AS build\nRUN go install github.com/pressly/goose/v3/cmd/goose@v3\nFROM alpine:3.24\nWORKDIR /app\nCOPY db ./db\n${more}`;

  test.each<[string, Record<string, string>, string, string]>([
    [
      'golang-migrate',
      { 'db/migrations/000001_a.up.sql': '' },
      image('COPY --from=migrate/migrate:v4 /usr/local/bin/migrate /usr/bin/migrate\n'),
      'cd db && migrate -path migrations -database "$DB_URL" up',
    ],
    [
      'goose',
      goose,
      image('COPY --from=build /go/bin/goose /usr/bin/\n'),
      'cd db && goose -dir migrations postgres "$DB_URL" up',
    ],
    [
      'goose that stays in another stage',
      goose,
      image(''),
      'The image does not contain goose: install it in the Dockerfile, or run it in a separate one-off service.',
    ],
    [
      'dbmate',
      { 'db/migrations/20260101000000_a.sql': '-- migrate:up\n' },
      image('RUN apk add dbmate\n'),
      'dbmate --env DB_URL --no-dump-schema up',
    ],
    ['Flyway', { 'db/flyway.conf': '' }, image('RUN apk add flyway\n'), 'cd db && flyway migrate'],
    [
      'Liquibase',
      { 'db/liquibase.properties': '' },
      image('RUN curl -L liquibase.tgz | tar x && mv liquibase /usr/bin\n'),
      'cd db && liquibase update',
    ],
    [
      'Sqitch',
      { 'db/sqitch.plan': '', 'db/sqitch.conf': '[engine "pg"]\n\ttarget = prod\n' },
      image('RUN apk add sqitch\n'),
      'cd db && sqitch deploy --verify',
    ],
    [
      'Atlas',
      { 'db/atlas.hcl': 'env "local" {\n}\nenv "prod" {\n}\n' },
      image('COPY --from=arigaio/atlas /atlas /usr/bin/atlas\n'),
      'cd db && atlas migrate apply --env prod',
    ],
    [
      'Atlas with no clear environment',
      { 'db/atlas.hcl': 'env "a" {\n}\nenv "b" {\n}\n' },
      image('COPY --from=arigaio/atlas /atlas /usr/bin/atlas\n'),
      'db/atlas.hcl has the envs a, b: use the one for production.',
    ],
  ])('%s', async (_, files, Dockerfile, expected) => {
    expect(await commandOf({ ...files, Dockerfile }, { service: environment })).toBe(expected);
  });

  test('without a variable that holds the URL, it says what to fill in', async () => {
    const files = { ...goose, Dockerfile: image('COPY --from=build /go/bin/goose /usr/bin/\n') };
    expect(await commandOf(files)).toContain('No variable of the service holds the database URL');
  });
});
