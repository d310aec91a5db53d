import { describe, expect, test } from 'vitest';
import { statusText } from '../../../../src/cli/commands/status.ts';
import { describe as statusOf } from '../../../../src/deploy/on-host/status.ts';
import { container, edgeStatus, release, servicePlan, serving } from '../../../support/deploy/fixtures.ts';

const v2 = release('v2', [servicePlan('web', 'blue-green')]);
const colours = {
  blue: { up: 1, servers: [], current: 2, requests: 9, status: {} },
  green: { up: 1, servers: [], current: 1, requests: 5, status: {} },
};

describe('an old color that still runs', () => {
  const old = container('web', { colour: 'blue', release: 'v1' });
  const state = serving(v2, 'green', { edges: { web: edgeStatus('web', 'green', { colours }) } });
  const with_ = (...more: ReturnType<typeof container>[]) =>
    statusOf('one', { ...state, containers: [...state.containers, ...more] });

  test('is shown once, with what it has in flight, and is no trouble', () => {
    const status = with_(old, { ...old, id: 'other' });
    expect(status.finishing).toEqual([{ service: 'web', release: 'v1', colour: 'blue', inFlight: 2 }]);
    expect(status.troubles).toEqual([]);
    expect(statusText('shop', 'production', [status]).split('\n')).toContain(
      '  web                  v1 (blue) still runs, 2 in flight',
    );
  });

  test('is not that of an armed switch, nor one that has ended', () => {
    expect(with_({ ...old, running: false }).finishing).toEqual([]);
    const armed = {
      nonce: 'n',
      from: 'blue',
      to: 'green',
      armedAt: 0,
      deadlineIn: 9,
      limits: '-',
      stuck: null,
    } as const;
    const edges = { web: edgeStatus('web', 'green', { colours, armed }) };
    expect(statusOf('one', { ...state, edges, containers: [...state.containers, old] }).finishing).toEqual(
      [],
    );
  });
});
