import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readDockerfile } from '../../../../src/config/dockerfile/image.ts';

describe('what a Dockerfile makes of an image', () => {
  test('the last stage, and the stages it is based on', () => {
    const text =
      'FROM node:22 AS base\nEXPOSE 3000/tcp 9229\nENTRYPOINT ["node"]\nCMD ["b.js"]\nFROM go AS other\nEXPOSE 1\nFROM base\nCMD ["a.js", "--x"]\n';
    expect(readDockerfile(text)).toMatchObject({
      from: 'node:22',
      ports: [
        { port: 3000, protocol: 'tcp' },
        { port: 9229, protocol: 'tcp' },
      ],
      entrypoint: ['node'],
      command: ['a.js', '--x'],
      healthcheck: undefined,
    });
  });

  test('a stage that is asked for by name, and a health check with its times', () => {
    const text =
      'FROM a AS One\nHEALTHCHECK --interval=5s --start-period=2m --retries=9 CMD curl -f http://localhost:1/up\nFROM b\nEXPOSE 2\n';
    expect(readDockerfile(text, { target: 'one' })).toMatchObject({
      ports: [],
      healthcheck: {
        test: ['CMD-SHELL', 'curl -f http://localhost:1/up'],
        intervalMs: 5000,
        startPeriodMs: 120_000,
        retries: 9,
      },
    });
    expect(readDockerfile(text)).toMatchObject({
      ports: [{ port: 2, protocol: 'tcp' }],
      healthcheck: undefined,
    });
  });

  test('user, folder, volumes, variables and copies, with ARG and ENV put in', () => {
    const text = `ARG TAG=3.12
FROM python:\${TAG}-slim
ARG HOME_DIR=/srv
ENV APP=\${HOME_DIR}/app PORT=9000
WORKDIR $APP
COPY backend/ ./
COPY --from=ghcr.io/astral-sh/uv:0.5 /uv /bin/
EXPOSE $PORT 5000-5002/udp
VOLUME ["/data"]
RUN pip install alembic
USER 1000:1000
`;
    expect(readDockerfile(text, { args: { TAG: '3.13' } })).toMatchObject({
      from: 'python:3.13-slim',
      workdir: '/srv/app',
      env: { APP: '/srv/app', PORT: '9000' },
      user: '1000:1000',
      volumes: ['/data'],
      installs: expect.stringContaining('pip install alembic'),
      copies: [
        { from: undefined, sources: ['backend/'], target: '/srv/app/' },
        { from: 'ghcr.io/astral-sh/uv:0.5', sources: ['/uv'], target: '/bin/' },
      ],
      ports: [
        { port: 9000, protocol: 'tcp' },
        { port: 5000, protocol: 'udp' },
        { port: 5001, protocol: 'udp' },
        { port: 5002, protocol: 'udp' },
      ],
    });
  });

  test('a base that is known gives what the Dockerfile does not say', () => {
    const base = readDockerfile('FROM postgres:17\nEXPOSE 5432\nVOLUME /var/lib/postgresql/data\n');
    const image = readDockerfile('FROM acme-db\nCOPY init.sql /docker-entrypoint-initdb.d/\n', {
      images: (reference) => (reference === 'acme-db' ? base : undefined),
    });
    expect(image).toMatchObject({ from: 'postgres:17', volumes: ['/var/lib/postgresql/data'] });
    expect(image.ports).toEqual([{ port: 5432, protocol: 'tcp' }]);
  });

  test('a front end on nginx listens on 80 unless it says otherwise', () => {
    expect(readDockerfile(`FROM docker.io/library/nginx:1.27@sha256:${'0'.repeat(64)}\n`).ports).toEqual([
      { port: 80, protocol: 'tcp' },
    ]);
    expect(readDockerfile('FROM nginx\nEXPOSE 8080\n').ports).toEqual([{ port: 8080, protocol: 'tcp' }]);
    const both = readDockerfile('FROM nginx\nEXPOSE 80\nEXPOSE 443\n').ports;
    expect(both.map(({ port }) => port)).toEqual([80, 443]);
  });

  test('what official images declare is known without a registry', () => {
    const port = (text: string) => readDockerfile(`FROM ${text}\n`).ports.map((item) => item.port);
    expect(port('mcr.microsoft.com/dotnet/aspnet:8.0')).toEqual([8080]);
    expect(port('mcr.microsoft.com/dotnet/aspnet:6.0-alpine')).toEqual([80]);
    expect(port('php:8.4-apache')).toEqual([80]);
    expect(port('php:8.4-fpm-alpine')).toEqual([9000]);
    expect(readDockerfile('FROM wordpress:6\n').volumes).toEqual(['/var/www/html']);
    expect(port('acme/nginx:1')).toEqual([]);
  });

  test('no text breaks it', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'FROM ',
        ' AS x\n',
        'FROM x\n',
        'EXPOSE ',
        'CMD ',
        '["',
        '\\\n',
        '#',
        'HEALTHCHECK ',
        'COPY ',
      ),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        expect(readDockerfile(pieces.join('')).command).toBeInstanceOf(Array);
      }),
    );
  });
});
