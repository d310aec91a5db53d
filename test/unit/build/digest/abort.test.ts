import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { treeDigest } from '../../../../src/build/digest/digest.ts';
import { effects, target } from '../../../support/build/digest-fixtures.ts';

let context = '';
beforeAll(() => {
  context = mkdtempSync(join(tmpdir(), 'sluice-abort-'));
  for (let index = 0; index < 200; index++) writeFileSync(join(context, `${index}`), 'x'.repeat(index));
});
afterAll(() => rmSync(context, { recursive: true, force: true }));

describe('abort', () => {
  test('ends with the reason of the signal', async () => {
    const reason = new Error('stopped');
    await expect(
      treeDigest(target({ context }), effects({ signal: AbortSignal.abort(reason) })),
    ).rejects.toBe(reason);
    const controller = new AbortController();
    const running = treeDigest(target({ context }), effects({ signal: controller.signal }));
    controller.abort(reason);
    await expect(running).rejects.toBe(reason);
  });

  test('at any moment: the reason, or the digest if it was too late', async () => {
    const whole = await treeDigest(target({ context }), effects());
    for (let moment = 0; moment < 60; moment++) {
      const controller = new AbortController();
      const running = treeDigest(target({ context }), effects({ signal: controller.signal }));
      const settled = running.catch((error: unknown) => error);
      for (let turn = 0; turn < moment; turn++) await new Promise(setImmediate);
      controller.abort('stopped');
      expect([whole, 'stopped']).toContainEqual(await settled);
    }
  });

  test('what a registry throws is not swallowed', async () => {
    const failure = new Error('429');
    const over = { context, dockerfile: { kind: 'inline', text: 'FROM node' } as const };
    await expect(
      treeDigest(target(over), effects({ baseDigest: () => Promise.reject(failure) })),
    ).rejects.toBe(failure);
  });
});
