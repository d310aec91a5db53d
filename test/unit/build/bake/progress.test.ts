import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { buildFailure } from '../../../../src/build/bake/failure.ts';
import { progressText } from '../../../../src/build/bake/log.ts';
import {
  checkFindings,
  countCached,
  readProgress,
  slowestSteps,
  stepMs,
} from '../../../../src/build/bake/progress.ts';
import { shortStep } from '../../../../src/build/plan-text.ts';
import { target } from '../../../support/build/fixtures.ts';

const at = (second: number) => `2026-01-01T00:00:0${second}Z`;
const base64 = (text: string) => Buffer.from(text).toString('base64');
const vertex = (digest: string, name: string, more: object = {}) => ({
  vertexes: [{ digest, name, ...more }],
});
const done = { started: at(1), completed: at(3) };

/** As buildx 0.13 prints documents, and as later ones do. */
const printed = {
  indented: (documents: readonly object[]) =>
    documents.map((document) => JSON.stringify(document, undefined, 2)).join('\n'),
  'one a line': (documents: readonly object[]) =>
    documents.map((document) => JSON.stringify(document)).join('\n'),
};

function read(targets: readonly string[], text: string) {
  const reader = readProgress(targets);
  for (const line of text.split('\n')) reader.feed(line);
  return reader;
}

describe.each(Object.entries(printed))('progress, %s', (_name, print) => {
  test('steps with their target, time and output', () => {
    const reader = read(
      ['backend', 'web'],
      print([
        vertex('a', '[internal] load local bake definitions', done),
        vertex('b', '[backend deps 1/2] RUN pip install', { started: at(1) }),
        { logs: [{ vertex: 'b', data: base64('one\ntw') }] },
        { logs: [{ vertex: 'b', data: base64('o\nrest') }] },
        vertex('b', '[backend deps 1/2] RUN pip install', done),
        vertex('c', '[web 2/2] COPY . .', { ...done, cached: true }),
        vertex('d', '[web] exporting to image', done),
        vertex('e', '[backend] importing cache manifest from x', { ...done, error: 'x: not found' }),
      ]),
    );
    expect(reader.steps().map(({ target: name, name: step, kind }) => [name, step, kind])).toEqual([
      ['', '[internal] load local bake definitions', 'internal'],
      ['backend', '[deps 1/2] RUN pip install', 'instruction'],
      ['web', '[2/2] COPY . .', 'instruction'],
      ['web', 'exporting to image', 'export'],
      ['backend', 'importing cache manifest from x', 'cache-import'],
    ]);
    const [, run] = reader.steps();
    expect(run?.output).toEqual(['one', 'two', 'rest']);
    expect(run && stepMs(run)).toBe(2_000);
    expect(countCached(reader.steps())).toEqual({ cached: 1, run: 1 });
    expect(slowestSteps(reader.steps()).map(({ name }) => name)).toContain('[deps 1/2] RUN pip install');
    expect(checkFindings(reader, [])).toEqual([]);
    expect(progressText(reader.steps())).toContain(
      'backend  [deps 1/2] RUN pip install  2.0 s\n  one\n  two\n  rest',
    );
  });

  test('with one target its name stands nowhere', () => {
    const reader = read(
      ['web'],
      print([vertex('b', '[deps 1/2] RUN x', done), vertex('c', '[internal] load .dockerignore')]),
    );
    expect(reader.steps().map((step) => `${step.target} ${step.name} ${step.kind}`)).toEqual([
      'web [deps 1/2] RUN x instruction',
      'web [internal] load .dockerignore internal',
    ]);
  });

  test('build checks', () => {
    const warning = {
      vertex: 'a',
      // As BuildKit 0.17 says it.
      short: base64("StageNameCasing: Stage name 'Base' should be lowercase (line 3)"),
      url: 'https://docs.docker.com/go/dockerfile/rule/stage-name-casing/',
      sourceInfo: { filename: 'Dockerfile' },
      range: [{ start: { line: 3 } }],
    };
    const reader = read(
      ['backend'],
      print([vertex('a', '[internal] load build definition'), { warnings: [warning, warning] }]),
    );
    const planned = { target: target(), tree: { unresolved: '' }, treeTag: undefined, bases: {} };
    const action = { kind: 'build', why: '', isUnasked: false, cache: { from: [], to: [] } } as const;
    expect(checkFindings(reader, [{ ...planned, action }])).toEqual([
      {
        target: 'backend',
        topic: 'build-check',
        message: "StageNameCasing: Stage name 'Base' should be lowercase",
        at: { file: '/repo/backend/Dockerfile', line: 3 },
        url: 'https://docs.docker.com/go/dockerfile/rule/stage-name-casing/',
      },
    ]);
  });
});

test('a step as one line has room for it', () => {
  const long = '[deps 3/4] RUN --mount=type=cache,target=/root/.cache --network=none pip install --no-deps x';
  expect(shortStep(long)).toBe('[deps 3/4] RUN pip install --no-deps x');
  expect(shortStep('COPY --link --from=a b c')).toBe('COPY b c');
  expect(shortStep('exporting to image')).toBe('exporting to image');
});

describe('what is no progress', () => {
  test('any text is read without an error, and lines that are no JSON are kept', () => {
    const line = fc.oneof(
      fc.string(),
      fc.constantFrom('{', '}', '{}', '{"vertexes":null}', 'ERROR: x', '{"a":', '  }'),
    );
    fc.assert(fc.property(fc.array(line), (lines) => void read(['web'], lines.join('\n'))));
    expect(read(['web'], 'WARNING: x\n{"vertexes":[]}\n\nERROR: y').rest()).toEqual([
      'WARNING: x',
      'ERROR: y',
    ]);
  });
});

describe('a failed build', () => {
  const fail = (
    text: string,
    documents: readonly object[] = [],
    targets = [target(), target({ name: 'web' })],
  ) => {
    const reader = read(
      targets.map(({ name }) => name),
      `${printed['one a line'](documents)}\n${text}`,
    );
    const { code, message, at: place, output, hint } = buildFailure(reader, targets, 1);
    return { code, message, at: place, output, hint };
  };
  const extract = 'Dockerfile:7\n--------------------\n   7 | >>> RUN npm ci\n--------------------\n';

  test('a step shows its last lines, the line of the Dockerfile and a hint', () => {
    const error = 'process "/bin/sh -c npm ci" did not complete successfully: exit code: 127';
    const documents = [
      vertex('a', '[backend deps 2/3] RUN npm ci', { ...done, error }),
      { logs: [{ vertex: 'a', data: base64('sh: npm: not found\n') }] },
      vertex('b', '[web 1/2] RUN sleep 9', { ...done, error: 'context canceled' }),
    ];
    expect(fail(`${extract}ERROR: failed to solve: ${error}`, documents)).toEqual({
      code: 'build.failed',
      message: 'backend: [deps 2/3] RUN npm ci exited with code 127',
      at: { file: '/repo/backend/Dockerfile', line: 7 },
      output: 'sh: npm: not found',
      hint: 'The program is not in this stage’s image: install it in an earlier step.',
    });
  });

  test.each([
    ['dockerfile parse error on line 7: unknown instruction: RUNN (did you mean RUN?)', 'build.dockerfile'],
    [
      'failed to compute cache key: failed to calculate checksum of ref a::b: "/nope": not found',
      'build.dockerfile',
    ],
    ['failed to resolve source metadata for docker.io/library/nope:1: not found', 'build.base'],
    ['secret npm: not found', 'build.secret'],
    ['granting entitlement network.host is not allowed by build daemon configuration', 'build.unsupported'],
    ['error reading from server: EOF', 'build.builder'],
  ])('%s', (why, code) => {
    const failed = fail(
      `${extract}ERROR: target web: failed to solve: ${why}`,
      [],
      [target({ name: 'web' })],
    );
    expect(failed.code).toBe(code);
    expect(failed.message).not.toMatch(/failed to solve|checksum of ref/);
    expect(failed.at).toEqual({ file: '/repo/backend/Dockerfile', line: 7 });
  });

  test.each([
    [
      'write /var/lib/docker/a/b/c: no space left on device',
      'web: the builder’s disk is full (/var/lib/docker)',
    ],
    ['process "/bin/sh -c x" did not complete: disk quota exceeded', 'web: the builder’s disk is full'],
  ])('a full disk is named, and no line is to blame: %s', (why, message) => {
    const failed = fail(`${extract}ERROR: failed to solve: ${why}`, [], [target({ name: 'web' })]);
    expect(failed).toMatchObject({ code: 'build.disk-full', message, at: undefined });
    expect(failed.hint).toContain('docker builder prune');
  });

  test('a file that COPY does not find is the Dockerfile’s', () => {
    const error = 'failed to calculate checksum of ref a::b: "/nope": not found';
    const step = vertex('a', '[web 1/1] COPY nope /', { ...done, error });
    expect(
      fail(`${extract}ERROR: failed to solve: failed to compute cache key: ${error}`, [step]),
    ).toMatchObject({
      code: 'build.dockerfile',
      message: 'web: "/nope": not found',
      hint: 'Paths start at the context folder. Check that .dockerignore does not exclude the file.',
    });
  });

  test('where no target is named, the extract tells which Dockerfile it is', () => {
    const [backend, web] = [
      target(),
      target({ name: 'web', dockerfile: { kind: 'file', path: '/repo/web/Dockerfile' } }),
    ];
    const reader = read(['backend', 'web'], `${extract}ERROR: dockerfile parse error on line 7: x`);
    const source = `${'\n'.repeat(6)}RUN npm ci\n`;
    const error = (sources: [ReturnType<typeof target>, string][]) =>
      buildFailure(reader, [backend, web], 1, new Map(sources));
    expect(
      error([
        [backend, 'FROM x\n'],
        [web, source],
      ]).at,
    ).toEqual({ file: '/repo/web/Dockerfile', line: 7 });
    expect(
      error([
        [backend, source],
        [web, source],
      ]).at,
    ).toBeUndefined();
  });

  test('a push that is refused', () => {
    const error = 'failed to push x: unexpected status from POST request: 403 Forbidden';
    expect(fail(`ERROR: ${error}`, [vertex('a', '[web] exporting to image', { ...done, error })]).code).toBe(
      'registry.denied',
    );
  });

  test('a cache that could not be read fails nothing and is not blamed', () => {
    const cache = vertex('a', '[web] importing cache manifest from x', { ...done, error: 'x: not found' });
    expect(fail('ERROR: something else', [cache]).message).toBe('the build: something else');
  });
});
