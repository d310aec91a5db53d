import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { treeDigest } from '../../../../src/build/digest/digest.ts';
import { readDockerfile } from '../../../../src/build/digest/dockerfile.ts';
import { expand, type Variable } from '../../../../src/build/digest/expand.ts';
import { imagesOf } from '../../../../src/build/digest/images.ts';
import type { BuildTarget } from '../../../../src/build/model.ts';
import { Unresolvable } from '../../../../src/config/dockerignore/unresolvable.ts';
import { effects, target } from '../../../support/build/digest-fixtures.ts';

const shown = (text: string) =>
  readDockerfile(text).instructions.map(({ keyword, flags, rest }) => [keyword, ...flags, rest].join(' '));

describe('instructions', () => {
  test.each([
    ['one a line', 'FROM a\nRUN b', ['FROM a', 'RUN b']],
    ['lower case, tabs, blanks around', '\tfrom\t a  \r\nrun  b ', ['FROM a', 'RUN b']],
    ['continued', 'RUN a \\\n  b\\  \n c', ['RUN a   b c']],
    ['comments and blank lines within', 'RUN a \\\n# no\n\n  # no\n b', ['RUN a  b']],
    ['an escaped escape does not continue', 'RUN a \\\\\nRUN b', ['RUN a \\\\', 'RUN b']],
    ['another escape', '# escape=`\nRUN a `\n b\nRUN c\\\nRUN d', ['RUN a  b', 'RUN c\\', 'RUN d']],
    ['an escape that comes too late', '\n# escape=`\nRUN a `\nRUN b', ['RUN a `', 'RUN b']],
    ['a comment', '# x\nFROM a', ['FROM a']],
    ['flags', 'COPY --from=a --chown="a b" --link x y', ['COPY --from=a --chown=a b --link x y']],
    ['flags end', 'RUN -- --mount=x', ['RUN --mount=x']],
    ['a heredoc', 'RUN <<EOF\nFROM no\nEOF\nRUN b', ['RUN <<EOF', 'RUN b']],
    ['two heredocs', 'COPY <<a <<"b" /\nFROM no\na\nFROM no\nb\nRUN b', ['COPY <<a <<"b" /', 'RUN b']],
    ['a heredoc with tabs', 'RUN <<-E cat\n\tE x\n\t\tE\nRUN b', ['RUN <<-E cat', 'RUN b']],
    ['a heredoc in a trigger', 'ONBUILD RUN <<E\nFROM no\nE\nRUN b', ['ONBUILD RUN <<E', 'RUN b']],
    ['a heredoc ends at its name alone', 'RUN <<E\nE \n E\nE\nRUN b', ['RUN <<E', 'RUN b']],
    ['a here-string is none', 'RUN cat <<<x\nRUN b', ['RUN cat <<<x', 'RUN b']],
    [
      'a shift is none',
      'RUN echo $((1<<2)) $(( 1 << 2 ))\nRUN b',
      ['RUN echo $((1<<2)) $(( 1 << 2 ))', 'RUN b'],
    ],
    ['a quoted one is none', 'RUN echo "a <<b" \'<<c\'\nRUN b', ['RUN echo "a <<b" \'<<c\'', 'RUN b']],
    ['JSON has none', 'RUN ["a", "<<b"]\nRUN b', ['RUN ["a", "<<b"]', 'RUN b']],
    ['a test is no JSON', 'RUN [ -f x ] && cat <<E\nE\nRUN b', ['RUN [ -f x ] && cat <<E', 'RUN b']],
    ['CMD has no heredoc', 'CMD cat <<E\nRUN b', ['CMD cat <<E', 'RUN b']],
  ])('%s', (_, text, instructions) => expect(shown(text)).toEqual(instructions));

  test.each([
    ['unknown', 'FORM a'],
    ['a heredoc without an end', 'RUN <<E\nx'],
    ['a heredoc with a variable', 'RUN <<$X\n$X'],
    ['quotes that do not close', "RUN it's <<E\nE"],
    ['braces with blanks', 'RUN ${X:-a b} <<E\nE'],
    ['two escapes', '# escape=`\n# escape=`\nFROM a'],
    ['an unknown escape', '# escape=x\nFROM a'],
    ['text behind an array', 'COPY ["a", "b"] c'],
    ['another language', '//syntax=docker/dockerfile:1\nFROM a'],
    ['JSON', '{"syntax": "x"}'],
  ])('not for certain: %s', (_, text) => expect(() => readDockerfile(text)).toThrow(Unresolvable));

  test('ends on any text, with instructions or a reason', () => {
    const piece = fc.constantFrom(
      'RUN ',
      'COPY ',
      'FROM ',
      '<<',
      'E',
      '\n',
      '\\',
      '"',
      "'",
      '$',
      '{',
      '}',
      '# ',
      ' ',
      '[',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(piece).map((all) => all.join('')),
          fc.string({ unit: 'binary' }),
        ),
        (text) => {
          try {
            readDockerfile(text);
          } catch (error) {
            expect(error).toBeInstanceOf(Unresolvable);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('variables', () => {
  const scope = new Map<string, Variable>([
    ['A', { kind: 'value', value: 'a' }],
    ['EMPTY', { kind: 'value', value: '' }],
    ['DECLARED', { kind: 'declared' }],
    ['SECRET', { kind: 'unknown', why: 'is unknown' }],
  ]);
  test.each([
    ['x:$A', 'x:a'],
    ['x:${A}b', 'x:ab'],
    ['$A$A', 'aa'],
    ['"$A"', 'a'],
    ["'$A'", '$A'],
    ['\\$A', '$A'],
    ['"\\$A\\x"', '$A\\x'],
    ['${A:-x}', 'a'],
    ['${NONE:-x}', 'x'],
    ['${NONE-x}', 'x'],
    ['${EMPTY:-x}', 'x'],
    ['${EMPTY-x}', ''],
    ['${DECLARED:-x}', 'x'],
    ['${DECLARED}', ''],
    ['${A:+y}', 'y'],
    ['${NONE:+y}', ''],
    ['${EMPTY:+y}', ''],
    ['${EMPTY+y}', 'y'],
    ['${A:?no}', 'a'],
    ['${NONE:-${A}-${NONE:-b}}', 'a-b'],
    ['${NONE:-"}"}', '}'],
    ['"${NONE:-"x"}"', 'x'],
  ])('%s is %s', (word, value) => expect(expand(word, scope, '\\')).toBe(value));

  test.each([
    ...['$NONE', '${NONE}', '${NONE:?no}', '${EMPTY:?no}', '${DECLARED-x}', '${DECLARED+x}', '$SECRET'],
    ...['${SECRET:-x}', '${A#x}', '${A%x}', '${A/x/y}', '${A', '"x', "'x", '$1', '$', '${}', '${A:x}', '$Aä'],
  ])('%s can’t be told', (word) => expect(() => expand(word, scope, '\\')).toThrow(Unresolvable));
});

const images = (
  text: string,
  over: Partial<BuildTarget> = {},
  platform: string | undefined = 'linux/amd64',
) =>
  imagesOf(readDockerfile(text), target(over), platform).map(
    (use) => `${use.reference}${use.platform === platform ? '' : ` for ${use.platform}`}`,
  );
const hub = (...names: string[]) => names.map((name) => `docker.io/library/${name}`);

describe('images', () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  test.each<[string, string, string[], Partial<BuildTarget>?]>([
    ['a base', 'FROM node', hub('node:latest')],
    ['a pinned base', `FROM node:22@${digest}`, hub(`node:22@${digest}`)],
    ['a registry', 'FROM ghcr.io/a/b:1', ['ghcr.io/a/b:1']],
    ['nothing', 'FROM scratch', []],
    ['two stages', 'FROM a AS x\nFROM x', hub('a:latest')],
    ['a stage of an image’s name', 'FROM node AS node\nFROM node', hub('node:latest')],
    ['COPY from an image', 'FROM scratch\nCOPY --from=a:1 / /', hub('a:1')],
    [
      'COPY from a stage, by name and number',
      'FROM a AS X\nFROM b\nCOPY --from=x / /\nCOPY --from=0 / /',
      hub('b:latest', 'a:latest'),
    ],
    [
      'RUN with a mount',
      'FROM a\nRUN --mount=type=bind,from=b:1,target=/x --mount=type=cache,target=/y z',
      hub('a:latest', 'b:1'),
    ],
    [
      'RUN with a mount of a stage',
      'FROM b AS x\nFROM a\nRUN --mount=from=x,target=/x z',
      hub('a:latest', 'b:latest'),
    ],
    ['a trigger', 'FROM a\nONBUILD COPY --from=b / /', hub('a:latest', 'b:latest')],
    ['stages that are not needed', 'FROM a\nFROM b\nFROM c', hub('c:latest')],
    ['the stage that is asked for', 'FROM a AS x\nFROM b AS y', hub('a:latest'), { target: 'X' }],
    ['a default', 'ARG V=1\nFROM a:$V', hub('a:1')],
    ['an argument', 'ARG V=1\nFROM a:$V', hub('a:2'), { args: { V: '2' } }],
    ['an argument without a default', 'ARG V\nFROM a:${V:-3}', hub('a:3')],
    ['an empty argument', 'ARG V\nFROM a:${V:-3}', hub('a:3'), { args: { V: '' } }],
    ['defaults of defaults', 'ARG A=1 B="$A-x"\nARG C=${B}\nFROM a:$C', hub('a:1-x')],
    ['an argument in quotes', 'ARG V="1"\nFROM "a:$V"', hub('a:1')],
    ['an ARG within a stage is not global', 'ARG V=1\nFROM a:$V AS x\nARG V=2\nFROM b:$V', hub('b:1')],
    ['a default that nobody needs', 'ARG V=$NONE\nFROM a', hub('a:latest')],
    ['the platform', 'FROM a:$TARGETARCH', hub('a:amd64')],
    ['a platform of its own', 'FROM --platform=linux/arm64 a', hub('a:latest for linux/arm64')],
    ['the builder’s platform', 'FROM --platform=$BUILDPLATFORM a', hub('a:latest for undefined')],
    [
      'the builder’s platform, set',
      'ARG BUILDPLATFORM=linux/s390x\nFROM --platform=${BUILDPLATFORM} a',
      hub('a:latest for linux/s390x'),
    ],
    [
      'a frontend',
      '# syntax = docker/dockerfile:1.7 x\nFROM scratch',
      ['docker.io/docker/dockerfile:1.7 for undefined'],
    ],
    [
      'a frontend behind a shebang',
      '#!/usr/bin/x\n#syntax=docker/dockerfile\nFROM scratch',
      ['docker.io/docker/dockerfile:latest for undefined'],
    ],
    [
      'a frontend by argument',
      '# syntax=other/x\nFROM scratch',
      ['docker.io/docker/dockerfile:1 for undefined'],
      { args: { BUILDKIT_SYNTAX: 'docker/dockerfile:1' } },
    ],
    ['no frontend in a later comment', '# x\n# syntax=other/x\nFROM scratch', []],
    [
      'a context instead of an image',
      'FROM node:22',
      [],
      { contexts: { 'docker.io/library/node:22': '/x' } },
    ],
    [
      'a context instead of COPY’s image',
      'FROM scratch\nCOPY --from=app / /',
      [],
      { contexts: { app: '/x' } },
    ],
    [
      'a context instead of a stage',
      'FROM a AS x\nRUN y\nFROM scratch\nCOPY --from=x / /',
      [],
      { contexts: { x: '/x' } },
    ],
    ['another tag than the context’s', 'FROM node:22', hub('node:22'), { contexts: { node: '/x' } }],
    ['ADD with a checksum', `FROM a\nADD --checksum=${digest} https://example.com/x /`, hub('a:latest')],
    ['ADD of files', 'FROM a\nADD x.tar ./$Y dist/app-${V}.tar.gz ["a"] /', hub('a:latest')],
  ])('%s', (_, text, expected, over) => expect(images(text, over)).toEqual(expected));

  test.each<[string, string, RegExp, Partial<BuildTarget>?]>([
    ['no FROM', 'RUN x', /begin with FROM/],
    ['an empty file', '', /begin with FROM/],
    ['a variable without a value', 'FROM a:$V', /\$V has no value/],
    ['a default that can’t be told', 'ARG V=$NONE\nFROM a:$V', /\$V has an unknown default/],
    ['no image', 'FROM A_B/C', /not an image reference/],
    ['a stage in the wrong case', 'FROM a AS x\nFROM X', /not an image reference/],
    ['a missing stage', 'FROM a', /no stage "x"/, { target: 'x' }],
    [
      'ADD of a URL',
      'FROM a\nADD https://me:secret@example.com/x /',
      /^ADD fetches https:\/\/example.com\/x without/,
    ],
    ['ADD of a URL in JSON', 'FROM a\nADD ["http://x/y", "/"]', /without a checksum/],
    ['ADD of a repository', 'FROM a\nADD git@github.com:a/b.git /', /without a checksum/],
    ['ADD of a repository without a scheme', 'FROM a\nADD github.com/a/b.git /', /without a checksum/],
    ['ADD of a variable', 'FROM a\nADD $X /', /may be a URL/],
    ['ADD of a trigger', 'FROM a\nONBUILD ADD https://x/y /', /without a checksum/],
    ['COPY from a variable', 'FROM a\nCOPY --from=$X / /', /not a plain name/],
    ['a mount from a variable', 'FROM a\nRUN --mount=from=$X,target=/ x', /not a plain name/],
    ['an unknown flag', 'FROM a\nCOPY --frum=b / /', /unknown flag --frum=b/],
    ['another frontend', '# syntax=example.com/x\nFROM a', /frontend example.com\/x/],
    ['the builder’s architecture', 'FROM a:$BUILDARCH', /builder only/],
    ['a platform declared again', 'ARG TARGETARCH\nFROM a:$TARGETARCH', /declared again/],
  ])('not for certain: %s', (_, text, reason, over) => {
    expect(() => images(text, over)).toThrow(Unresolvable);
    expect(() => images(text, over)).toThrow(reason);
  });

  test('without a platform', () => {
    const of = (text: string) => imagesOf(readDockerfile(text), target(), undefined);
    expect(of('FROM --platform=$TARGETPLATFORM a')[0]?.platform).toBeUndefined();
    expect(() => of('FROM a:$TARGETARCH')).toThrow(/depends on the builder/);
  });

  test('an obstacle in a stage that is not needed is none', () => {
    expect(images('FROM a\nADD https://x/y /\nFROM b')).toEqual(hub('b:latest'));
  });
});

describe('unresolved, in plain words', () => {
  const inline = (text: string) => ({ kind: 'inline', text }) as const;
  test.each<[string, Partial<BuildTarget>, RegExp]>([
    ['a remote context', { context: 'https://github.com/a/b.git' }, /not a local folder/],
    ['a missing context', {}, /"\/nowhere" cannot be read \(ENOENT\)/],
    ['a missing Dockerfile', { dockerfile: { kind: 'file', path: '/nowhere/Dockerfile' } }, /does not exist/],
    [
      'a Dockerfile in a remote context',
      { dockerfile: { kind: 'file', path: 'Dockerfile' } },
      /not a local file/,
    ],
    ['a base that is not there', { dockerfile: inline('FROM gone') }, /library\/gone:latest does not exist/],
    ['a context from git', { contexts: { x: 'https://github.com/a/b.git' } }, /"x" is neither/],
    ['an image layout', { contexts: { x: 'oci-layout:///x@sha256:1' } }, /"x" is neither/],
    ['another target', { contexts: { x: 'target:y' } }, /it is built from the image of y/],
    ['an image that is not there', { contexts: { x: 'docker-image://gone' } }, /gone:latest does not exist/],
  ])('%s', async (_, over, reason) => {
    const baseDigest = async (ref: string) => (ref.includes('gone') ? undefined : 'sha256:x');
    const result = await treeDigest(target(over), effects({ baseDigest }));
    expect(result).toEqual({ unresolved: expect.stringMatching(reason) });
  });
});
