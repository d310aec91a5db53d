import type { ComposePort, ComposeService, ServiceConfig } from '../../../src/config/model.ts';
import { findPorts, type PortSight } from '../../../src/config/ports/ports.ts';
import type { SeenService } from '../../../src/config/services/stores.ts';

export const shell = (line: string): ComposeService => ({ healthcheck: { test: ['CMD-SHELL', line] } });

/** Published under their own numbers. */
export const ports = (...targets: number[]): { ports: ComposePort[] } => ({
  ports: targets.map((target) => ({ target, published: `${target}`, protocol: 'tcp' })),
});

/** `8025 http, 1025 tcp`: main port first. */
export const modes = (service: SeenService, config: ServiceConfig = {}, sight: PortSight = { name: 'x' }) =>
  findPorts(service, config, sight)
    ?.ports.map(({ port, mode }) => `${port} ${mode}`)
    .join(', ');
