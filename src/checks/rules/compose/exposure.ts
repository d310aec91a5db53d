import { imageKind, imageRole } from '../../../config/services/stores.ts';
import type { App } from '../app.ts';
import type { Hit, Rule } from '../rule.ts';
import { hitAt } from './limits.ts';
import { isPlacedPort } from './shape.ts';

/** Data stores that are meant to be reachable from outside, behind their own login. */
const doors = new Set([
  ...['grafana', 'registry', 'minio', 'vault', 'seaweedfs', 'garage'],
  // Devices outside publish to them.
  ...['eclipse-mosquitto', 'mosquitto', 'emqx', 'vernemq', 'hivemq4', 'hivemq-ce'],
]);
const adminTools = new Set(
  'adminer pgadmin4 pgadmin phpmyadmin redis-commander redisinsight mongo-express flower'.split(' '),
);

export const publishedDatabase: Rule<App> = {
  id: 'compose/published-database',
  severity: 'high',
  level: 'fail',
  title: 'Databases and caches are not published to the internet.',
  why: 'A published port listens on all addresses, and Docker opens it past ufw and firewalld. Attackers find and take over open Redis and Postgres servers within hours. Services of one app reach each other without published ports.',
  fix: 'Remove the port, or bind it to this machine: "127.0.0.1:5432:5432".',
  source: {
    name: 'Docker: port publishing and firewalls',
    url: 'https://docs.docker.com/engine/network/packet-filtering-firewalls/#docker-and-ufw',
  },
  example: {
    file: 'compose.yml',
    bad: 'services:\n  db:\n    image: postgres:17\n    ports: ["5432:5432"]\n',
    good: 'services:\n  db:\n    image: postgres:17\n    ports: ["127.0.0.1:5432:5432"]\n',
  },
  check: ({ services }) =>
    services.flatMap(({ name, service }) => {
      const role = imageRole(service);
      const kind = imageKind(service) ?? '';
      const isData = (role === 'database' || role === 'cache') && !doors.has(kind);
      if (!isData && !adminTools.has(kind)) return [];
      return (service.ports ?? []).filter(isPlacedPort).flatMap((port): Hit[] => {
        const isOpen = port.host_ip === undefined || /^(?:0\.0\.0\.0|::|\*|)$/.test(port.host_ip);
        if (!isOpen) return [];
        const message = `Port ${port.target} of ${name} (${kind}) is open to everyone who can reach the host.`;
        return [{ file: port.file, line: port.line, message, subject: `${name}:${port.target}` }];
      });
    }),
};

export const privileged: Rule<App> = {
  id: 'compose/privileged',
  severity: 'high',
  level: 'fail',
  title: 'No container is privileged.',
  why: 'A privileged container, or one with SYS_ADMIN, can mount the disks of the host and load kernel modules: it is root on the host.',
  fix: 'Remove it, and add only the capability or device that the service needs (cap_add: [NET_ADMIN], devices:).',
  source: {
    name: 'Docker: runtime privilege and capabilities',
    url: 'https://docs.docker.com/engine/containers/run/#runtime-privilege-and-linux-capabilities',
  },
  example: {
    file: 'compose.yml',
    bad: 'services:\n  vpn:\n    image: ghcr.io/acme/vpn:3\n    privileged: true\n',
    good: 'services:\n  vpn:\n    image: ghcr.io/acme/vpn:3\n    cap_add: [NET_ADMIN]\n',
  },
  check: (app) =>
    app.services.flatMap(({ name, service }) => {
      const added = Array.isArray(service['cap_add']) ? service['cap_add'].map(String) : [];
      const grave = added.find((capability) => /^(?:CAP_)?(?:ALL|SYS_ADMIN|SYS_MODULE)$/i.test(capability));
      const hits: Hit[] = [];
      if (service['privileged'] === true || service['privileged'] === 'true')
        hits.push(hitAt(app, name, `${name} is privileged: it is root on the host.`, 'privileged'));
      if (grave !== undefined)
        hits.push(
          hitAt(
            app,
            name,
            `${name} has the capability ${grave.toUpperCase()}, which makes it root on the host.`,
            'cap_add',
          ),
        );
      return hits;
    }),
};
