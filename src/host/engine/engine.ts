import { Agent, type ClientRequest } from 'node:http';
import type { Duplex } from 'node:stream';
import { inspect } from 'node:util';
import Docker from 'dockerode';
import { UserError } from '../../kernel/errors.ts';
import type { Connection } from '../ssh/connection.ts';
import type { EngineRoute } from './route.ts';
import { LateSocket } from './socket-like.ts';

/** Parallel requests: more do not make the engine faster. A stream, such as a followed log, has a separate socket. */
const fewSockets = 8;
/** The same if each connection is a session: commands need their share of the eight. */
const sessions = { requests: 2, streams: 4 };

/**
 * The Engine API over the SSH connection: dockerode, whose sockets are channels and are reused.
 *
 * Transport failures reach the caller as UserErrors (`host.engine-…`, `host.connection-lost`); an answer of the
 * engine with an error status stays dockerode's own error, with its `statusCode`. A stream that was already being
 * read (a followed log) ends with Node's `aborted`; the host's `lost` then has the reason.
 */
export function createEngine(connection: Connection, route: EngineRoute): Docker {
  // dockerode fills missing options from DOCKER_HOST, DOCKER_CERT_PATH and the like, which belong to THIS machine.
  // With a socketPath it builds no URL; the path itself is not used, because the agent opens the connections.
  const local = {
    host: undefined,
    port: undefined,
    ca: undefined,
    cert: undefined,
    key: undefined,
    timeout: undefined,
    sshOptions: undefined,
  };
  const docker = new Docker({
    ...(local as Docker.DockerOptions),
    protocol: 'http',
    socketPath: '/var/run/docker.sock',
  } as Docker.DockerOptions);
  const requests = new EngineAgent(route, fewSockets, sessions.requests);
  const streams = new EngineAgent(route, Number.POSITIVE_INFINITY, sessions.streams);
  const modem = docker.modem as unknown as Modem;
  const dial = modem.dial.bind(modem);
  modem.dial = (options, done) => {
    modem.agent = options.isStream || options.hijack || options.openStdin ? streams : requests;
    dial(options, (error, data) => {
      // An idle socket may have died with an engine that was just restarted; repeating a read is safe.
      if (options.method === 'GET' && isHangUp(error) && !connection.over.aborted) {
        return dial(options, (again, late) => done(explain(again, connection), late));
      }
      done(explain(error, connection), data);
    });
  };
  return docker;
}

/** The part of dockerode's transport that is used here. */
interface Modem {
  agent: Agent;
  dial(options: DialOptions, done: Done): void;
}
interface DialOptions {
  readonly method: string;
  readonly isStream?: boolean;
  readonly hijack?: boolean;
  readonly openStdin?: boolean;
}
type Done = (error: unknown, data?: unknown) => void;

class EngineAgent extends Agent {
  readonly #route: EngineRoute;
  readonly #mostSessions: number;

  constructor(route: EngineRoute, maxSockets: number, mostSessions: number) {
    super({ keepAlive: true, maxSockets, maxFreeSockets: fewSockets, scheduling: 'lifo' });
    this.#route = route;
    this.#mostSessions = mostSessions;
  }

  /**
   * docker-modem 5 inspects the options of each request to any depth, for a debug line that is not printed: with the
   * agent's sockets among them 40 requests at once took 0.5 s.
   */
  [inspect.custom](): string {
    return 'EngineAgent';
  }

  override createConnection(): Duplex {
    if (this.#route.costly) {
      this.maxSockets = Math.min(this.maxSockets, this.#mostSessions);
      this.maxFreeSockets = 1;
    }
    return new LateSocket(this.#route.open());
  }

  /** Node's http calls this for each request: agents implement it, although it is not documented. */
  addRequest(request: ClientRequest, options: unknown): void {
    // dockerode waits for the end of an answer and for an error of the request, so an answer that is cut off would
    // never end (docker-modem 5, lib/modem.js, buildRequest).
    request.once('response', (response) => {
      response.once('close', () => {
        if (!response.complete)
          request.emit('error', Object.assign(new Error('answer cut off'), { code: 'ECONNRESET' }));
      });
    });
    (Agent.prototype as unknown as { addRequest: EngineAgent['addRequest'] }).addRequest.call(
      this,
      request,
      options,
    );
  }
}

function explain(error: unknown, connection: Connection): unknown {
  if (error === null || error === undefined || error instanceof UserError) return error;
  if ((error as { statusCode?: unknown }).statusCode !== undefined) return error;
  if (connection.over.aborted) return connection.over.reason;
  if (!isHangUp(error)) return error;
  return new UserError({
    code: 'host.engine-broken',
    message: `The Docker engine on ${connection.label} closed a connection during a request`,
    hint: 'It was probably restarted (journalctl -u docker); run the command again.',
    cause: error,
  });
}

function isHangUp(error: unknown): boolean {
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  return code === 'ECONNRESET' || code === 'EPIPE';
}
