import { execFileSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { array, assert, asyncProperty, stringMatching, uint8Array, uniqueArray } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readDist } from '../../../../src/cdn/dist/read.ts';
import { builtFolder, page } from '../../../support/cdn/dist-fixtures.ts';

const sha256 = (content: string | Uint8Array) => hash('sha256', content, 'base64url');

describe('a folder is read', () => {
  test('every file with its hash, its class and its headers, in the order of bytes', async () => {
    using folder = builtFolder({
      'index.html': page,
      'assets/index-DkT3eZPq.js': 'js',
      'empty.css': '',
      'a b+ü%.txt': 'x',
      '\u{1f600}.png': '',
      '\uff5e.png': '',
      '.well-known/security.txt': 'Contact: x',
      CNAME: 'books.example.com',
      about: '\ufeff\n<!-- x -->\n<!DOCTYPE html><p>',
      'apple-app-site-association': '{}',
    });
    const { files, notes } = await folder.read();
    expect(
      files.map(({ path, class: kind, size, headers }) => [path, kind, size, ...Object.values(headers)]),
    ).toEqual([
      ['.well-known/security.txt', 'file', 10, 'public, no-cache', 'text/plain; charset=utf-8'],
      ['CNAME', 'file', 17, 'public, no-cache', 'text/plain; charset=utf-8'],
      ['a b+ü%.txt', 'file', 1, 'public, no-cache', 'text/plain; charset=utf-8'],
      ['about', 'page', 33, 'public, max-age=300, must-revalidate', 'text/html; charset=utf-8'],
      ['apple-app-site-association', 'file', 2, 'public, no-cache', 'application/json'],
      [
        'assets/index-DkT3eZPq.js',
        'asset',
        2,
        'public, max-age=31536000, immutable',
        'text/javascript; charset=utf-8',
      ],
      ['empty.css', 'file', 0, 'public, no-cache', 'text/css; charset=utf-8'],
      ['index.html', 'page', page.length, 'public, max-age=300, must-revalidate', 'text/html; charset=utf-8'],
      ['\uff5e.png', 'file', 0, 'public, max-age=3600', 'image/png'],
      ['\u{1f600}.png', 'file', 0, 'public, max-age=3600', 'image/png'],
    ]);
    expect(files.find(({ path }) => path === 'index.html')).toMatchObject({
      sha256: sha256(page),
      file: join(folder.dist, 'index.html'),
    });
    expect(Object.keys(files[0]?.headers ?? {})).toEqual(['cache-control', 'content-type']);
    expect(notes).toEqual([]);
  });

  test.each([2 ** 20 - 1, 2 ** 20, 2 ** 20 + 1, 17 * 2 ** 20 + 5])('a file of %d bytes', async (size) => {
    const bytes = Buffer.alloc(size, 'sluice ');
    using folder = builtFolder({ 'x.bin': bytes });
    const { files } = await folder.read();
    expect(files).toMatchObject([{ size, sha256: sha256(bytes) }]);
  });

  test('any names and contents', async () => {
    const name = stringMatching(/^[a-zA-Z0-9 +%#?&=@!'(),;~ü€-]{1,12}x$/);
    await assert(
      asyncProperty(
        uniqueArray(array(name, { minLength: 1, maxLength: 3 }), {
          maxLength: 12,
          selector: (parts) => parts[0]?.toLowerCase(),
        }),
        uint8Array({ maxLength: 50 }),
        async (paths, content) => {
          using folder = builtFolder(Object.fromEntries(paths.map((parts) => [parts.join('/'), content])));
          const { files } = await folder.read();
          const expected = paths
            .map((parts) => parts.join('/'))
            .sort((a, b) => Buffer.from(a).compare(Buffer.from(b)));
          expect(files.map(({ path }) => path)).toEqual(expected);
          expect(new Set(files.map((file) => file.sha256)).size).toBe(Math.min(1, files.length));
        },
      ),
      { numRuns: 25 },
    );
  });

  test('comments at the beginning of a file without an ending, however many', async () => {
    const comments = '<!-- -->'.repeat(200);
    using folder = builtFolder({ 'index.html': page, about: `${comments}<html>`, notes: `${comments}x` });
    const { files } = await folder.read();
    expect(files.map((file) => [file.path, file.class])).toEqual([
      ['about', 'page'],
      ['index.html', 'page'],
      ['notes', 'file'],
    ]);
  });

  test('what editors leave behind and what is excluded is left out, and told', async () => {
    using folder = builtFolder({
      'index.html': page,
      '.DS_Store': '',
      'img/.DS_Store': '',
      'img/Thumbs.db': '',
      'img/.gitkeep': '',
      'a.js.swp': '',
      'drafts/x.html': page,
      'secret/.env': 'KEY=x',
      'big.psd': '',
    });
    const { files, notes } = await folder.read({ exclude: ['drafts', '*.psd', '.env'] });
    expect(files.map(({ path }) => path)).toEqual(['index.html']);
    expect(notes).toEqual([
      '5 files from editors or the system left out (.DS_Store, .gitkeep, Thumbs.db, …)',
      '3 files and folders left out by cdn.exclude',
    ]);
  });

  test('patterns that mean no file are told', async () => {
    using folder = builtFolder({ 'index.html': page, 'a.js': '' });
    const headers = [{ match: ['*.js', '/docs/**'], set: {} }];
    const { notes } = await folder.read({ hashed: ['*.js', '*.wasm'], headers });
    expect(notes).toEqual(['No file matches *.wasm (cdn.hashed)', 'No file matches /docs/** (cdn.headers)']);
  });

  test('an abort ends it', async () => {
    using folder = builtFolder({ 'index.html': page });
    await expect(readDist(folder.settings(), AbortSignal.abort(new Error('enough')))).rejects.toThrow(
      'enough',
    );
  });
});

describe('links', () => {
  test('are followed within the folder, to files and to folders', async () => {
    using folder = builtFolder({ 'index.html': page, 'v2/app.js': 'x' });
    symlinkSync('index.html', join(folder.dist, '404.html'));
    symlinkSync('v2', join(folder.dist, 'latest'));
    const { files } = await folder.read();
    expect(files.map(({ path }) => path)).toEqual(['404.html', 'index.html', 'latest/app.js', 'v2/app.js']);
    expect(files[0]?.sha256).toBe(sha256(page));
  });

  test('that lead out, nowhere or around are refused by name', async () => {
    using folder = builtFolder({ 'index.html': page, 'a/x': '', 'b/x': '' });
    writeFileSync(join(folder.top, 'outside'), '');
    const links = {
      out: '../outside',
      system: '/etc/passwd',
      gone: 'nothing',
      self: 'self',
      up: '.',
      'a/b': '../b',
      'b/a': '../a',
    };
    for (const [from, to] of Object.entries(links)) symlinkSync(to, join(folder.dist, from));
    const faults = await folder.faults();
    const expected = [
      /^cdn.dist: out is a symbolic link to .*\/outside, outside the folder$/,
      /^cdn.dist: system is a symbolic link to \/etc\/passwd, outside the folder$/,
      /^cdn.dist: gone is a symbolic link to a missing file$/,
      /^cdn.dist: self is a symbolic link to itself$/,
      /^cdn.dist: up is a symbolic link to one of its parent folders$/,
      /^cdn.dist: a\/b\/a is a symbolic link to one of its parent folders$/,
      /^cdn.dist: b\/a\/b is a symbolic link to one of its parent folders$/,
    ];
    expect(faults).toHaveLength(expected.length);
    for (const pattern of expected) expect(faults).toContainEqual(expect.stringMatching(pattern));
  });
});

describe('what cannot be published', () => {
  test('secrets, repositories, packages, Sluice’s own files: all told at once', async () => {
    using folder = builtFolder({
      'index.html': page,
      '.env': '',
      'x/.env.production': '',
      '.git/HEAD': '',
      '.npmrc': '',
      '.htpasswd': '',
      'keys/id_rsa': '',
      'keys/server.pem': '-----BEGIN EC PRIVATE KEY-----',
      'keys/ca.pem': '-----BEGIN CERTIFICATE-----',
      'keys/id_rsa.pub': 'ssh-rsa AAAA',
      'backup.txt': '-----BEGIN OPENSSH PRIVATE KEY-----',
      'howto.txt': 'It begins with -----BEGIN RSA PRIVATE KEY-----',
      'PROD.ENV': '',
      'terraform.tfstate': '',
      'sluice.yml': '',
      'node_modules/x/index.js': '',
      '.sluice/manifest': '',
      'docs/.sluice/x': '',
      'environment.env.js': '',
      'b\\c.js': '',
      'c\nd.js': '',
    });
    const faults = await folder.faults();
    expect(faults.map((fault) => fault.split(' ').slice(0, 2).join(' ')).sort()).toEqual([
      'cdn.dist: .sluice',
      'cdn.dist: b\\c.js',
      'cdn.dist: c',
      'cdn.not-built: node_modules',
      'cdn.secret-file: .env',
      'cdn.secret-file: .git',
      'cdn.secret-file: .htpasswd',
      'cdn.secret-file: .npmrc',
      'cdn.secret-file: PROD.ENV',
      'cdn.secret-file: backup.txt',
      'cdn.secret-file: keys/id_rsa',
      'cdn.secret-file: keys/server.pem',
      'cdn.secret-file: sluice.yml',
      'cdn.secret-file: terraform.tfstate',
      'cdn.secret-file: x/.env.production',
    ]);
  });

  test('many faults are counted', async () => {
    using folder = builtFolder(Object.fromEntries(Array.from({ length: 25 }, (_, n) => [`${n}/.env`, ''])));
    const faults = await folder.faults();
    expect([faults.length, faults.at(-1)]).toEqual([21, 'cdn.dist: 5 more files cannot be published']);
  });

  test('names that are no UTF-8, and keys that are too long with their prefix', async () => {
    using folder = builtFolder({ 'index.html': page });
    writeFileSync(Buffer.concat([Buffer.from(`${folder.dist}/caf`), Buffer.from([0xe9])]), '');
    const deep = Array.from({ length: 5 }, () => 'é'.repeat(100)).join('/');
    folder.put(deep, '');
    const prefix = { ...folder.settings().store, prefix: 'x'.repeat(1024 - Buffer.byteLength(deep)) };
    expect(await folder.faults({ store: prefix })).toEqual([
      'cdn.dist: caf\ufffd cannot be published: its name is not valid UTF-8',
    ]);
    const faults = await folder.faults({ store: { ...prefix, prefix: `${prefix.prefix}x` } });
    expect(faults).toContainEqual(
      expect.stringMatching(/its key has 1025 bytes; stores accept at most 1024/),
    );
  });

  test('sockets and pipes', async () => {
    using folder = builtFolder({ 'index.html': page, 'x.js': '' });
    execFileSync('mkfifo', [join(folder.dist, 'pipe')]);
    const server = createServer().listen(join(folder.dist, 'socket'));
    await new Promise((resolve) => server.once('listening', resolve));
    const faults = await folder.faults().finally(() => server.close());
    expect(faults.map((fault) => fault.slice(0, 40)).sort()).toEqual([
      'cdn.dist: pipe is neither a file nor a f',
      'cdn.dist: socket is neither a file nor a',
    ]);
  });

  test('a file that cannot be read', async () => {
    using folder = builtFolder();
    // Of all files only some of the kernel's keep root out as well.
    expect(await folder.faults({ dist: '/proc/sys/net/ipv4/route' })).toContainEqual(
      expect.stringMatching(/^cdn.dist: flush cannot be read: E/),
    );
  });

  test('a folder that is not there: others are named', async () => {
    using folder = builtFolder({ 'index.html': page });
    mkdirSync(join(folder.top, 'build'));
    const missing = join(folder.top, 'www/html');
    const error = await folder.read({ dist: missing }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'cdn.dist', message: `The folder ${missing} does not exist` });
    expect(error).toMatchObject({ hint: expect.stringMatching(/set cdn\.dist to [^ ]*\/dist \(/) });
    expect(await folder.faults({ dist: join(folder.dist, 'index.html') })).toEqual([
      expect.stringMatching(/^cdn.dist: .* is a file: cdn.dist must name a folder$/),
    ]);
    symlinkSync('loop', join(folder.top, 'loop'));
    expect(await folder.faults({ dist: join(folder.top, 'loop') })).toEqual([
      expect.stringMatching(/^cdn.dist: The folder .*\/loop cannot be read: ELOOP/),
    ]);
  });
});
