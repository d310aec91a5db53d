import { describe, expect, test } from 'vitest';
import { cancellation, isCancellation } from '../../../src/kernel/cancel.ts';

describe('cancellation', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)('%s aborts, with a reason that a user understands', (name) => {
    using cancel = cancellation();
    expect(cancel.signal.aborted).toBe(false);
    process.emit(name, name);
    expect(cancel.signal.aborted).toBe(true);
    expect(cancel.signal.reason).toMatchObject({ code: 'cancelled', message: `Cancelled (${name})` });
  });

  test('the first signal gives the reason', () => {
    using cancel = cancellation();
    process.emit('SIGTERM', 'SIGTERM');
    process.emit('SIGINT', 'SIGINT');
    expect(cancel.signal.reason).toMatchObject({ message: 'Cancelled (SIGTERM)' });
  });

  test('gives the signals back when it is disposed of', () => {
    const before = process.listenerCount('SIGINT');
    {
      using _ = cancellation();
      expect(process.listenerCount('SIGINT')).toBe(before + 1);
    }
    expect([process.listenerCount('SIGINT'), process.listenerCount('SIGTERM')]).toEqual([before, before]);
  });
});

test('isCancellation tells the cancellation from a failure that came at the same time', () => {
  using cancel = cancellation();
  expect(isCancellation(undefined, cancel.signal)).toBe(false);
  process.emit('SIGINT', 'SIGINT');
  expect(isCancellation(cancel.signal.reason, cancel.signal)).toBe(true);
  expect(isCancellation(new Error('disk full'), cancel.signal)).toBe(false);
});
