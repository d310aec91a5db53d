import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  confirmCommand,
  EdgeRefused,
  guardClient,
  parseStatus,
  revertCommand,
  type SwitchOrder,
  serversCommand,
  switchCommand,
} from '../../../../src/deploy/traffic/guard.ts';

const order: SwitchOrder = { from: 'blue', to: 'green', nonce: 'deploy-7', deadlineSeconds: 45 };

describe('commands', () => {
  test('a switch names everything in one line', () => {
    expect(switchCommand(order)).toBe('sluice switch blue green deploy-7 45 -');
    const limits = { max5xx: 0.01, min5xx: 5, maxP95Ms: 800, minSlow: 3 };
    expect(switchCommand({ ...order, deadlineSeconds: 0.5, limits })).toBe(
      'sluice switch blue green deploy-7 0.5 max-5xx=1%,min-5xx=5,max-p95=800ms,min-slow=3',
    );
    expect(switchCommand({ ...order, limits: { max5xx: 0.0025 } })).toContain('max-5xx=0.25%');
    expect(switchCommand({ ...order, limits: { max5xx: 0 } })).toContain('max-5xx=0%');
  });

  test('what would be another command is an error', () => {
    expect(() => switchCommand({ ...order, nonce: 'a;shutdown sessions' })).toThrow(RangeError);
    expect(() => switchCommand({ ...order, from: 'green' })).toThrow(/from green to green/);
    expect(() => switchCommand({ ...order, deadlineSeconds: Number.NaN })).toThrow(RangeError);
    expect(() => switchCommand({ ...order, limits: { max5xx: 1.5 } })).toThrow(RangeError);
    expect(() => confirmCommand('')).toThrow(RangeError);
    expect(() => serversCommand('blue', ['1.2.3.4', 'x y'])).toThrow(RangeError);
  });

  test('a reason of any text stays one command', () => {
    fc.assert(
      fc.property(fc.string(), (reason) => {
        expect(revertCommand('n', reason)).toMatch(/^sluice revert n( [\w.,:%()/@ -]+)?$/);
      }),
    );
    expect(revertCommand('n', 'URL "x"; \\ 502\n')).toBe('sluice revert n URL x 502');
  });

  test('addresses may be given, looked up or forgotten', () => {
    expect(serversCommand('green')).toBe('sluice servers green');
    expect(serversCommand('green', ['172.18.0.4', 'fd00::4'])).toBe(
      'sluice servers green 172.18.0.4,fd00::4',
    );
    expect(serversCommand('green', [])).toBe('sluice servers green -');
  });
});

const colour = { up: 1, servers: [], current: 0, requests: 0, status: {} };
const status = { active: 'blue', armed: null, colours: { blue: colour, green: colour } };

describe('answers', () => {
  test('a status is read, anything else says what came', () => {
    expect(parseStatus(`${JSON.stringify(status)}\n\n`).active).toBe('blue');
    for (const bad of ['', 'Unknown command', '{}', '[]', 'null', '{"active":"red"}']) {
      expect(() => parseStatus(bad)).toThrow(EdgeRefused);
    }
    expect(() => parseStatus('Permission denied\n')).toThrow(
      'the edge refused "sluice status": Permission denied',
    );
  });

  test('the client sends one command each and tells refusals from answers', async () => {
    const sent: string[] = [];
    const client = guardClient(async (command) => {
      sent.push(command);
      return command.includes('confirm') ? 'refused: unknown nonce, blue is active\n\n' : 'ok: done\n\n';
    });
    await expect(client.switch(order)).resolves.toBe('done');
    await expect(client.confirm('n')).rejects.toMatchObject({
      command: 'sluice confirm n',
      answer: 'unknown nonce, blue is active',
    });
    await expect(client.servers('green')).resolves.toBe('done');
    expect(sent).toEqual([switchCommand(order), 'sluice confirm n', 'sluice servers green']);
  });

  test('bad arguments reject before anything is sent', async () => {
    const client = guardClient(() => Promise.reject(new Error('sent')));
    await expect(client.confirm('no nonce')).rejects.toThrow(RangeError);
    await expect(client.status()).rejects.toThrow('sent');
  });
});
