import { posix } from 'node:path';

/** The kind of a mount, by the names of its paths. */

const dataNames = new Set([
  ...['data', 'db', 'database', 'databases', 'dbdata', 'pgdata', 'mysql-data', 'postgres-data', 'redis-data'],
  ...['uploads', 'upload', 'storage', 'media', 'files', 'attachments', 'backups', 'backup', 'dumps'],
  ...['volume', 'volumes', 'log', 'logs', 'cache', 'tmp', 'temp', 'state', 'letsencrypt', 'acme'],
]);
const dataName = /[-_.](?:data|db|database|storage|uploads|media|backups?|logs?|cache|volume)$/i;
const dataFile = /\.(?:sqlite3?|db|mdb|rdb|aof|log|pid)$|^acme\.json$/i;

/** Places in a container where programs keep what they write; certificates that a client renews are among them. */
const dataTarget =
  /^\/(?:var\/(?:lib|log|cache|backups|spool)|data|backups?|config\/data|etc\/(?:letsencrypt|acme))(?:\/|$)|\/(?:data|pgdata|uploads|storage|media|backups|logs)$/i;
/** Where programs read manually written settings, whatever the parent folder is. */
const settingsTarget =
  /^\/docker-entrypoint(?:-initdb)?\.d(?:\/|$)|^\/(?:always-)?initdb(?:\.d)?(?:\/|$)|\/(?:conf|config|configs|conf\.d|provisioning|dashboards|sites-(?:enabled|available))(?:\/|$)/i;
const configTarget =
  /^\/(?:etc|usr\/local\/etc|opt\/[\w.-]+\/etc)(?:\/|$)|^\/usr\/share\/nginx\/|^\/usr\/local\/apache2\/|\/templates?(?:\/|$)/i;
const codeTarget =
  /^\/(?:app|apps|code|src|srv|workspace|work|web|site|project|usr\/src|usr\/app|opt\/app|var\/www|var\/task|home\/\w+)(?:\/|$)/i;
const secretName =
  /(?:^|[-_./])(?:secrets?|\.env(?:\..*)?|\w{0,100}\.env|certs?|keys?|private|credentials?|password|passwd|htpasswd|token|id_(?:rsa|ed25519|ecdsa))(?:$|[-_./])|\.(?:key|pem|crt|cer|p12|pfx|jks|keystore|gpg|asc)$/i;
/** Folders that an install or a build fills inside of an image. */
const madeName = new Set([
  ...[
    'node_modules',
    'vendor',
    '.venv',
    'venv',
    '__pypackages__',
    '.next',
    '.nuxt',
    '.output',
    '.svelte-kit',
  ],
  ...['dist', 'build', 'target', '.cache', '__pycache__', '.turbo', '.pnpm-store', 'bower_components'],
]);

const settingsFile =
  /(?:\.(?:conf|cfg|cnf|config|ini|jsonc?|ya?ml|toml|xml|properties|env|sql|tmpl|tpl|j2|template|hcl|rules|list|txt|md|schema|sh|bash)|^[^.]+|^\.[^.]+)$/i;
const folderOfFiles = /\.d$/i;
const fileName = /^[^.].*\.[a-z]\w{0,9}$|file$/i;

/** The kind of a folder, by its mount point and its name; undefined: unknown. */
export function folderKind(source: string, target: string): 'data' | 'configuration' | undefined {
  const name = posix.basename(source);
  if (settingsTarget.test(target)) return 'configuration';
  if (dataTarget.test(target)) return 'data';
  if (configTarget.test(target)) return 'configuration';
  return dataNames.has(name.toLowerCase()) || dataName.test(name) ? 'data' : undefined;
}

/** A file that a container writes to: a database, a log, Traefik's certificates. */
export function isDataFile(name: string): boolean {
  return dataFile.test(name);
}

export function isCode(target: string): boolean {
  return codeTarget.test(target);
}

/**
 * Whether a mount whose source does not exist is meant to be a file, which the engine makes a folder of: its names are
 * all that tells.
 */
export function isFileLike(source: string, target: string): boolean {
  const [from, to] = [posix.basename(source), posix.basename(target)];
  if (folderOfFiles.test(from) || folderOfFiles.test(to)) return false;
  const isData =
    folderKind(source, target) === 'data' || dataNames.has(from.replace(/^\./, '').toLowerCase());
  if (fileName.test(to) || (fileName.test(from) && !isData)) return true;
  return from.startsWith('.') && (isData ? from === to && isSecret(from) : to.startsWith('.'));
}

/**
 * Whether programs write their settings to a place themselves (`/config` of many images), so that an empty folder there
 * is as good a beginning as any. In `/etc` and `conf.d` they only read.
 */
export function isWrittenSettings(target: string): boolean {
  return !/^\/(?:etc|usr)\//.test(target) && /\/(?:conf|configs?)(?:\/|$)/i.test(target);
}

/** Whether all files are settings or shell scripts by their names: neither code nor pages, pictures or data. */
export function areSettings(files: readonly string[]): boolean {
  return files.every((file) => settingsFile.test(posix.basename(file)) && !dataFile.test(file));
}

/** Keys, certificates, passwords and env files: nothing to commit. */
export function isSecret(path: string): boolean {
  return secretName.test(path);
}

/** Installed dependencies, not code of the project. */
export function isDependencies(path: string): boolean {
  return /^(?:node_modules|vendor|\.venv|venv|__pypackages__|site-packages)$/.test(posix.basename(path));
}

/** `node_modules` and the like: what a development mount hides and an anonymous volume shows again. */
export function isMadeInImage(target: string): boolean {
  return madeName.has(posix.basename(target));
}
