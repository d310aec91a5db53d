import { posix } from 'node:path';
import type { ComposeService } from './model.ts';
import { isDataFile } from './mounts/kinds.ts';

/** Folders of a host that belong to its system: sockets, devices, certificates, logs. No app keeps its data there. */
const systemFolder =
  /^\/(?:dev|sys|proc|run|var\/run|var\/log|etc|lib|usr|boot|tmp|var\/lib\/docker)(?:\/|$)/;

/**
 * Folders and files of the server that a service may write its data to: to two versions of it they are what a volume is.
 * Not among them are the system's own folders, sockets, logs and single files of configuration.
 *
 * @param service mounts that a release carries are read-only in it.
 * @returns each source once, as in the compose file.
 */
export function writableFolders(service: ComposeService): readonly string[] {
  const sources = (service.volumes ?? []).flatMap(({ type, source, read_only: isReadOnly }) =>
    type === 'bind' && isReadOnly !== true && source !== undefined && holdsData(source) ? [source] : [],
  );
  return [...new Set(sources)];
}

function holdsData(source: string): boolean {
  const name = posix.basename(source);
  if (source === '/' || systemFolder.test(source) || /\.sock(?:et)?$/.test(name)) return false;
  if (/^logs?$/i.test(name)) return false;
  // Of a file on the server only its name is known here.
  return isDataFile(name) ? !/\.(?:log|pid)$/i.test(name) : !/[^.]\.[a-z]\w*$/i.test(name);
}
