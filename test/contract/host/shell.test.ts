import { createHash, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { failure, startSshd } from '../../support/host/sshd.ts';

// What stands between us and the commands: login shells, start-up files, forced commands, new session keys.

test('new session keys in the middle of everything (RekeyLimit) go unnoticed', async () => {
  await using eager = await startSshd({ config: ['RekeyLimit 256K'] });
  await using other = await eager.connect();
  const data = randomBytes(10 * 1024 * 1024);
  const hash = createHash('sha256').update(data).digest('hex');
  const answers = await Promise.all([
    ...[1, 2, 3].map(async () => (await other.exec(['sha256sum'], { stdin: data })).stdout.slice(0, 64)),
    ...[1, 2, 3].map(async () => (await other.script('seq 1 500000 | sha256sum')).stdout.slice(0, 64)),
    other.script('seq 1 400000', { maxOutput: 10_000_000 }).then(({ stdout }) => stdout.length),
  ]);
  expect(answers.slice(0, 3)).toEqual([hash, hash, hash]);
  expect(new Set(answers.slice(3, 6)).size).toBe(1);
  expect(answers[6]).toBe(2_688_895);
  for (let count = 0; count < 30; count++) expect((await other.script('echo on')).stdout).toBe('on\n');
});

test('what is not a shell is told apart', async () => {
  await using closed = await startSshd({
    config: ['ForceCommand echo This account is not available; exit 1'],
  });
  await using other = await closed.connect();
  const error = await failure(other.script('echo in'));
  expect(error.code).toBe('host.shell-refused');
  expect(error.output).toContain('not available');
  const dialogue = await failure(other.dialogue(['cat']));
  expect(dialogue.code).toBe('host.shell-refused');
});

test('what start-up files print is not taken for output', async () => {
  const bashrc = 'echo "Welcome!"; echo "warning" >&2; printf "no newline"';
  await using chatty = await startSshd({
    home: { '.bashrc': bashrc },
    config: ['ForceCommand . ~/.bashrc; eval "$SSH_ORIGINAL_COMMAND"'],
  });
  await using other = await chatty.connect();
  expect(await other.script('echo out; echo err >&2')).toEqual({ code: 0, stdout: 'out\n', stderr: 'err\n' });
  expect((await other.exec(['cat'], { stdin: 'data' })).stdout).toBe('data');
});
