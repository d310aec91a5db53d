import { describe, expect, test } from 'vitest';
import type { ComposeService } from '../../../../src/config/model.ts';
import { notesOfRouting } from '../../../../src/config/routing/routing.ts';

const labelled = (labels: Record<string, string>, more: Partial<ComposeService> = {}): ComposeService => ({
  image: 'acme/shop',
  labels,
  ...more,
});

describe('what the plan says', () => {
  const web = labelled({
    'traefik.enable': 'true',
    'traefik.http.routers.web.rule': 'Host(`a`)',
    'homepage.group': 'Apps',
    'com.centurylinklabs.watchtower.enable': 'true',
  });

  test('what moves, and what would act behind Sluice’s back', () => {
    const notes = notesOfRouting(web, 'blue-green', 'web');
    expect(notes[0]).toBe('labels of Traefik (2) move to the edge');
    expect(notes.slice(1)).toEqual([expect.stringMatching(/^Watchtower is configured to update it/)]);
  });

  test('a service without an edge keeps its labels, and only the watchers are named', () => {
    for (const strategy of ['recreate', 'keep', 'singleton', 'job'] as const)
      expect(notesOfRouting(web, strategy)).toEqual([expect.stringMatching(/^Watchtower/)]);
    expect(notesOfRouting(web, 'workers')[0]).toMatch(/^Traefik sends traffic to it, and to both colors/);
    expect(notesOfRouting({ image: 'x' }, 'blue-green')).toEqual([]);
  });

  test.each([
    [
      'sticky sessions',
      { 'traefik.http.services.a.loadbalancer.sticky.cookie': 'true' },
      /sticky sessions no longer/,
    ],
    [
      'sticky sessions of nginx',
      { 'com.github.nginx-proxy.nginx-proxy.loadbalance': 'ip_hash;' },
      /ip_hash no longer/,
    ],
    [
      'sticky sessions of Caddy',
      { caddy: 'a', 'caddy.reverse_proxy.lb_policy': 'cookie' },
      /lb_policy no longer/,
    ],
    [
      'a health check through the edge',
      { 'traefik.http.services.a.loadbalancer.healthcheck.path': '/' },
      /goes through/,
    ],
    ['no rule', { 'traefik.enable': 'true' }, /defaultRule applies/],
    ['UDP', { 'traefik.udp.services.a.loadbalancer.server.port': '53' }, /cannot forward/],
    ['a template over the container', { caddy: '{{index .Names 0}}.example.com' }, /is a container template/],
    ['a job inside', { 'ofelia.job-exec.a.command': 'x' }, /in both colors/],
    ['another proxy', { 'tsdproxy.enable': 'true' }, /^labels of TSDProxy \(1\)/],
  ])('%s', (_what, labels, expected) => {
    const service = labelled(labels as Record<string, string>, { deploy: { replicas: 2 } });
    expect(notesOfRouting(service, 'blue-green').filter((note) => expected.test(note))).toHaveLength(1);
  });

  test('one replica has no session to lose', () => {
    const service = labelled({ 'traefik.http.services.a.loadbalancer.sticky.cookie': 'true' });
    expect(notesOfRouting(service, 'blue-green').join()).not.toContain('sticky');
  });

  test('a command that reads a variable which goes', () => {
    const service = {
      image: 'acme/shop',
      environment: { VIRTUAL_HOST: 'a' },
      command: ['sh', '-c', 'run --host $$VIRTUAL_HOST'],
    };
    expect(notesOfRouting(service, 'blue-green').at(-1)).toContain('reads VIRTUAL_HOST');
  });
});
