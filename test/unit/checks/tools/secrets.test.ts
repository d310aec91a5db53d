import { describe, expect, test } from 'vitest';
import { readSecrets, secretFindings } from '../../../../src/checks/tools/scan/secret-report.ts';

describe('secrets', () => {
  const line = (changes: object, place: object = { Git: { commit: 'abc', file: 'a.txt', email: 'Ada' } }) =>
    JSON.stringify({
      SourceMetadata: { Data: place },
      DetectorName: 'Github',
      Verified: false,
      Raw: 'sesame',
      RawV2: '',
      ...changes,
    });
  const read = (stdout: string, text?: string) =>
    readSecrets(stdout, { read: () => text, path: (printed) => printed });

  test('of one value in one file are one finding, live when any of them is', async () => {
    const found = await read(`${line({})}\n${line({ Verified: true })}\n`, 'x\nsesame\n');
    expect(secretFindings(found ?? [])).toEqual([
      expect.objectContaining({ level: 'fail', severity: 'critical', at: { file: 'a.txt', line: 2 } }),
    ]);
    const others = await read(`${line({})}\n${line({ Raw: 'other' })}\n`);
    expect(new Set(others?.map(({ name }) => name)).size).toBe(2);
    expect(JSON.stringify(others)).not.toMatch(/sesame|other/);
  });

  test('that are live fail in tests, too', async () => {
    const inTests = { Filesystem: { file: 'tests/a.txt', line: 3 } };
    const found = await read(`${line({}, inTests)}\n${line({ Verified: true, Raw: 'b' }, inTests)}`);
    expect(
      secretFindings(found ?? [])
        .map(({ level }) => level)
        .sort(),
    ).toEqual(['fail', 'note']);
  });

  test('stand in messages of commits, too, and in what is staged', async () => {
    const message = { Git: { commit: 'a'.repeat(40), email: 'Ada\n::error::x' } };
    const staged = { Git: { commit: 'Staged', file: 'a.txt' } };
    const found = await read(`${line({}, message)}\n${line({}, staged)}`);
    expect(secretFindings(found ?? []).map(({ message, at }) => [message, at])).toEqual([
      [
        'Found a secret of type Github in a.txt (not committed yet). It is unknown whether it is live.',
        { file: 'a.txt' },
      ],
      [
        'Found a secret of type Github in a commit message (commit aaaaaaaaaaaa by Ada : :error::x). It is unknown whether it is live.',
        undefined,
      ],
    ]);
  });

  test('are not read from anything else', async () => {
    for (const other of ['sesame', '{}', '[]', `${line({})}\nsesame`, line({ Verified: 'yes' })]) {
      expect(await read(other)).toBeUndefined();
    }
    expect(await read('\n')).toEqual([]);
  });
});
