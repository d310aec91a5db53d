import { execFileSync, spawn } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { failure, keygen, type Sshd, startSshd } from '../../support/host/sshd.ts';

// Who we are: every form a private key comes in, and every way a login fails, against a real sshd.

let sshd: Sshd;
let text: string;

beforeAll(async () => {
  sshd = await startSshd();
  text = await readFile(sshd.loginKey, 'utf8');
});
afterAll(() => sshd[Symbol.asyncDispose]());

async function login(env: Record<string, string>, to = sshd): Promise<void> {
  await using host = await to.connect({}, { env: { HOME: to.folder, ...env } });
  expect((await host.script('echo in')).stdout).toBe('in\n');
}

/** A new key that may log in too. */
async function keyOf(type: string, name: string, ...more: string[]): Promise<string> {
  const file = join(sshd.folder, name);
  execFileSync('ssh-keygen', [
    '-q',
    '-t',
    type,
    '-f',
    file,
    ...(more.includes('-N') ? more : ['-N', '', ...more]),
  ]);
  await appendFile(join(sshd.folder, 'authorized_keys'), await readFile(`${file}.pub`, 'utf8'));
  return await readFile(file, 'utf8');
}

describe('SLUICE_SSH_KEY', () => {
  test.each([
    ['as it is', (key: string) => key],
    ['with CRLF', (key: string) => key.replaceAll('\n', '\r\n')],
    ['without the last newline', (key: string) => key.trimEnd()],
    ['indented and with a byte order mark', (key: string) => `\uFEFF${key}`],
    ['base64-encoded', (key: string) => Buffer.from(key).toString('base64')],
    [
      'base64-encoded in lines',
      (key: string) => Buffer.from(key).toString('base64').replace(/.{76}/g, '$&\n'),
    ],
    ['with \\n spelled out', (key: string) => key.replaceAll('\n', '\\n')],
    ['with spaces for newlines', (key: string) => key.replaceAll('\n', ' ')],
  ])('%s', async (_, form) => {
    await login({ SLUICE_SSH_KEY: form(text) });
  });

  test.each(['rsa', 'ecdsa'])('of type %s', async (type) => {
    await login({ SLUICE_SSH_KEY: await keyOf(type, `login_${type}`) });
  });

  test('in the older PEM form, and in PKCS#8', async () => {
    const pem = await keyOf('rsa', 'login_pem', '-m', 'PEM');
    expect(pem).toContain('BEGIN RSA PRIVATE KEY');
    await login({ SLUICE_SSH_KEY: pem });
    const pkcs8 = createPrivateKey(pem).export({ type: 'pkcs8', format: 'pem' }).toString();
    await login({ SLUICE_SSH_KEY: pkcs8 });
  });

  test('encrypted: with, without and with the wrong passphrase', async () => {
    const key = await keyOf('ed25519', 'login_encrypted', '-N', 'open sesame');
    await login({ SLUICE_SSH_KEY: key, SLUICE_SSH_PASSPHRASE: 'open sesame\n' });
    expect((await failure(login({ SLUICE_SSH_KEY: key }))).code).toBe('host.login-key-encrypted');
    const wrong = await failure(login({ SLUICE_SSH_KEY: key, SLUICE_SSH_PASSPHRASE: 'close' }));
    expect(wrong.code).toBe('host.login-key-passphrase');
    const pem = await keyOf('rsa', 'login_encrypted_pem', '-N', 'open sesame', '-m', 'PEM');
    await login({ SLUICE_SSH_KEY: pem, SLUICE_SSH_PASSPHRASE: 'open sesame' });
    expect((await failure(login({ SLUICE_SSH_KEY: pem }))).code).toBe('host.login-key-encrypted');
  });

  test('a public key is told apart', async () => {
    const error = await failure(login({ SLUICE_SSH_KEY: await readFile(`${sshd.loginKey}.pub`, 'utf8') }));
    expect(error.code).toBe('host.login-key-public');
  });

  test('a broken key is described without a word of it', async () => {
    const cut = text.split('\n').slice(0, 3).join('\n');
    for (const broken of [
      cut,
      'hunter2hunter2',
      text.replace(/[a-z]/g, 'x'),
      '-----BEGIN NONSENSE-----\nAAAA\n-----END NONSENSE-----',
    ]) {
      const error = await failure(login({ SLUICE_SSH_KEY: broken }));
      expect(error.code).toBe('host.login-key-malformed');
      const said = `${error.message} ${error.hint}`;
      for (const line of broken.split('\n').filter((candidate) => !/^(---|$)/.test(candidate)))
        expect(said).not.toContain(line);
      expect(said).toMatch(/^[\x20-\x7e]*$/);
    }
  });
});

describe('where keys are found', () => {
  test('SLUICE_SSH_KEY_FILE, also under ~', async () => {
    await login({ SLUICE_SSH_KEY_FILE: sshd.loginKey });
    await login({ SLUICE_SSH_KEY_FILE: '~/login' });
    const error = await failure(login({ SLUICE_SSH_KEY_FILE: '/no/such/key' }));
    expect(error.code).toBe('host.login-key-missing');
    expect(error.message).toContain('/no/such/key');
  });

  test('nowhere', async () => {
    expect((await failure(login({ HOME: '/nowhere' }))).code).toBe('host.login-key-missing');
    expect((await failure(login({ HOME: '/nowhere', SLUICE_SSH_KEY: ' \n' }))).code).toBe(
      'host.login-key-missing',
    );
  });

  test('~/.ssh/id_ed25519', async () => {
    const home = join(sshd.folder, 'local');
    await mkdir(join(home, '.ssh'), { recursive: true });
    await writeFile(join(home, '.ssh', 'id_ed25519'), text);
    await login({ HOME: home });
    // An encrypted key beside it is passed over.
    await writeFile(join(home, '.ssh', 'id_rsa'), await keyOf('rsa', 'passed_over', '-N', 'secret'));
    await login({ HOME: home });
  });

  test('an ssh-agent, which may be empty or dead', async () => {
    const socket = join(sshd.folder, 'agent.sock');
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
    try {
      const env = { SSH_AUTH_SOCK: socket, HOME: '/nowhere' };
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect((await failure(login(env))).code).toBe('host.agent');
      for (const key of [sshd.loginKey, join(sshd.folder, 'login_rsa')]) {
        execFileSync('ssh-add', ['-q', key], {
          env: { ...process.env, SSH_AUTH_SOCK: socket },
          stdio: 'ignore',
        });
        await login(env);
        execFileSync('ssh-add', ['-qD'], { env: { ...process.env, SSH_AUTH_SOCK: socket }, stdio: 'ignore' });
      }
    } finally {
      agent.kill();
    }
    const error = await failure(login({ SSH_AUTH_SOCK: '/no/agent', HOME: '/nowhere' }));
    expect(error.code).toBe('host.agent');
    expect(error.message).toContain('/no/agent');
  });
});

describe('a refused login', () => {
  test('names user, fingerprint and the line that is missing', async () => {
    const file = join(sshd.folder, 'stranger');
    keygen('-t', 'ed25519', '-f', file);
    const config = await sshd.config();
    const error = await failure(login({ SLUICE_SSH_KEY_FILE: file }));
    expect(error.code).toBe('host.login-refused');
    expect(error.message).toContain(config.user);
    expect(error.output).toContain(
      execFileSync('ssh-keygen', ['-lf', file], { encoding: 'utf8' }).split(' ')[1],
    );
    expect(error.hint).toContain((await readFile(`${file}.pub`, 'utf8')).split(' ')[1]);
  });

  test('a user that may not log in looks the same', async () => {
    await using strict = await startSshd({ config: ['AllowUsers somebody-else'] });
    expect((await failure(login({ SLUICE_SSH_KEY_FILE: strict.loginKey }, strict))).code).toBe(
      'host.login-refused',
    );
  });

  test('a second factor is named', async () => {
    await using strict = await startSshd({
      config: ['AuthenticationMethods publickey,password', 'PasswordAuthentication yes'],
    });
    const error = await failure(login({ SLUICE_SSH_KEY_FILE: strict.loginKey }, strict));
    expect(error.code).toBe('host.login-refused');
    expect(error.message).toContain('also requires password');
  });

  test('a server without public keys is named', async () => {
    await using strict = await startSshd({
      config: ['PubkeyAuthentication no', 'PasswordAuthentication yes'],
    });
    const error = await failure(login({ SLUICE_SSH_KEY_FILE: strict.loginKey }, strict));
    expect(error.code).toBe('host.login-refused');
    expect(error.message).toContain('only password');
  });

  test('too many keys in the agent', async () => {
    await using strict = await startSshd({ config: ['MaxAuthTries 2'] });
    const socket = join(sshd.folder, 'full.sock');
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
    try {
      await new Promise((resolve) => setTimeout(resolve, 200));
      for (let count = 0; count < 5; count++) {
        keygen('-t', 'ed25519', '-f', join(sshd.folder, `full_${count}`));
        const env = { ...process.env, SSH_AUTH_SOCK: socket };
        execFileSync('ssh-add', ['-q', join(sshd.folder, `full_${count}`)], { env, stdio: 'ignore' });
      }
      const error = await failure(login({ SSH_AUTH_SOCK: socket, HOME: '/nowhere' }, strict));
      expect(error.code).toBe('host.login-attempts');
      expect(error.message).toContain('5');
    } finally {
      agent.kill();
    }
  });
});
