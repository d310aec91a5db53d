import { healthCheckOf } from '../../config/health/check.ts';
import type { ComposeService } from '../../config/model.ts';
import { isIn, nameOf, type Tree } from './tree.ts';

export interface HealthGuess {
  readonly path: string;
  /** `backend/app.py:12` */
  readonly at: string;
  /**
   * The path is complete and belongs to the app itself. Otherwise a prefix can be missing, or a check of the Host header
   * can reject the edge, which sends `localhost`.
   */
  readonly sure: boolean;
  /** Port of the request, if the script of a health check names it. */
  readonly port?: number | undefined;
}

const word = `(?:healthz?|health-?check|health_check|livez|readyz|liveness|readiness|heartbeat|_health|up|ping)`;
const path = String.raw`\/?(?:[\w-]+\/){0,3}${word}\/?`;
/** `app.get("/health"`, `@app.route('/health'`, `app.MapGet("/health"`: routes of the app itself, not of a mounted part. */
const route = new RegExp(
  String.raw`\b(?:app|server|fastify|api|http|mux|e|r|router|bp)\.(?:get|route|all|use|handle|handlefunc|mapget|maphealthchecks|add_api_route|add_url_rule)\(\s*["'\`](${path})["'\`]`,
  'i',
);
/** Not `app.use('/health', router)`, a prefix, and not `http.get('/health')`, an outgoing request. */
const whole = /\b(?:(?:app|server|fastify|mux)\.(?!use\()|http\.handle)/i;
const django = new RegExp(String.raw`\b(?:re_)?(?:path|url)\(\s*r?["']\^?(${path})\$?["']`);
const next = /(?:^|\/)(?:app|pages)\/((?:[\w-]+\/)*(?:healthz?|health-?check))(?:\/route)?\.[jt]sx?$/;
const asked = new RegExp(String.raw`["'\`](?:https?:\/\/[\w.:[\]-]+)?(\/(?:[\w-]+\/){0,3}${word}\/?)["'\`]`);

const source = /\.(?:py|[cm]?[jt]sx?|go|rb|php|java|kt|cs|rs|ex)$/;
const tests =
  /(?:^|\/)(?:tests?|__tests__|spec|e2e)\/|[._-](?:test|spec)s?\.|(?:^|\/)test_|(?:^|\/)conftest\.py$/;
const maxSources = 400;

/**
 * Looks for the health endpoint of a service in its sources.
 *
 * @param folder the service's build context.
 * @param check words of its health check, which can name a script.
 * @param service whose names and variables the script can use.
 */
export async function findHealth(
  tree: Tree,
  folder: string,
  check: readonly string[],
  service: { readonly name?: string; readonly definition?: ComposeService } = {},
): Promise<HealthGuess | undefined> {
  const files = tree.files.filter((file) => isIn(file, folder));
  const scripts = files.filter((file) => check.some((text) => text.split(/[\s/]+/).includes(nameOf(file))));
  for (const file of scripts) {
    const found = (await askedIn(tree, file, service)) ?? (await firstIn(tree, file, asked));
    if (found !== undefined) return { ...found, sure: true };
  }
  const routed = files.map((file) => next.exec(file)?.[1]).findIndex((found) => found !== undefined);
  const sources = files.filter((file) => source.test(file) && !tests.test(file)).slice(0, maxSources);
  const unsure: HealthGuess[] = [];
  for (const file of sources) {
    const found = await firstIn(tree, file, route);
    if (found !== undefined && whole.test(found.line) && found.path.startsWith('/'))
      return { ...found, sure: true };
    const other = found ?? (await firstIn(tree, file, django));
    if (other !== undefined)
      unsure.push({ ...other, path: `/${other.path.replace(/^\//, '')}`, sure: false });
  }
  const file = files[routed];
  const name = file === undefined ? undefined : next.exec(file)?.[1];
  if (file !== undefined && name !== undefined) return { path: `/${name}`, at: file, sure: false };
  return unsure[0];
}

/** Reads the script of a health check as if it were the check itself. */
async function askedIn(
  tree: Tree,
  file: string,
  { name, definition }: { readonly name?: string; readonly definition?: ComposeService },
) {
  const text = await tree.read(file);
  if (text === undefined) return undefined;
  const code = text.replace(/^[ \t]*(?:#|\/\/).*$/gm, '');
  const read = healthCheckOf({ ...definition, healthcheck: { test: ['CMD-SHELL', code] } }, name);
  if (read?.kind !== 'http' || read.path === undefined || read.tls) return undefined;
  const { path, port } = read;
  const index = text.split('\n').findIndex((line) => line.includes(path));
  return { path, port, at: `${file}:${Math.max(index, 0) + 1}` };
}

async function firstIn(tree: Tree, file: string, pattern: RegExp) {
  const text = await tree.read(file);
  if (text === undefined || !pattern.test(text)) return undefined;
  const lines = text.split('\n');
  const index = lines.findIndex((line) => line.length < 500 && pattern.test(line));
  const line = lines[index];
  const found = line === undefined ? undefined : pattern.exec(line)?.[1];
  return line === undefined || found === undefined
    ? undefined
    : { path: found, at: `${file}:${index + 1}`, line };
}
