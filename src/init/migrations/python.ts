import { posix } from 'node:path';
import { folderOf } from '../study/tree.ts';
import type { Draft, MigrationRule, Sources } from './model.ts';

/** Tools of Python. Commands use the runner of the container's own start: `poetry run`, `uv run`, a venv by its path. */
export const pythonRules: readonly MigrationRule[] = [
  { marker: /(?:^|\/)alembic\.ini$/, draft: alembicIni },
  { marker: /(?:^|\/)pyproject\.toml$/, draft: inPyproject },
  { marker: /(?:^|\/)migrations\/env\.py$/, draft: flaskMigrate },
  { marker: /(?:^|\/)manage\.py$/, draft: managePy },
];

/** How the container's start calls a program of Python: `poetry run`, `uv run --no-dev`, `/app/.venv/bin/`. */
function pythonCommand({ start }: Sources, command: string): string {
  const [prefix] =
    /\b(?:poetry|pipenv|pdm|rye|hatch) run\b|\buv run(?:\s+--(?:no-dev|no-sync|frozen|locked|offline|no-project))*/.exec(
      start,
    ) ?? [];
  if (prefix !== undefined) return `${prefix} ${command}`;
  const [, venv] =
    /(?<![\w/])(\/(?!usr\/|bin\/|sbin\/)[\w./-]+\/bin\/)(?:python3?|gunicorn|uvicorn|fastapi|celery|daphne|hypercorn|granian|uwsgi)\b/.exec(
      start,
    ) ?? [];
  return `${venv ?? ''}${command}`;
}

/** Debian and Alpine have only python3; the images of Python have both names. */
function interpreter({ start, from = '' }: Sources): string {
  const isSystem = /^(?:debian|ubuntu|alpine)(?::|$)/.test(from) && !/\bpython\s/.test(start);
  return isSystem ? 'python3' : 'python';
}

async function alembicIni(sources: Sources, at: string): Promise<Draft | undefined> {
  const folder = folderOf(at);
  // Flask-Migrate keeps its alembic.ini beside its env.py, and plain alembic cannot use it.
  if (sources.files.includes(`${folder}/env.py`) && (await isFlask(sources, `${folder}/env.py`)))
    return undefined;
  const text = (await sources.tree.read(at)) ?? '';
  const [, location = ''] = /^[ \t]*script_location\s*=\s*(\S+)/m.exec(text) ?? [];
  return alembic(sources, { at, folder, location: location.replace(/^%\(here\)s\/?/, '') });
}

/** `script_location` is relative to the working directory, so the location of env.py decides that directory. */
function alembic(
  sources: Sources,
  { at, folder, location }: { at: string; folder: string; location: string },
): Draft {
  const upgrade = pythonCommand(sources, 'alembic upgrade head');
  const scripts = (base: string) => posix.join(base, location, 'env.py');
  const isModule = location.includes(':');
  const above = folder === '' ? [''] : [folder, ...ancestors(folder)];
  const found =
    isModule || location === '' ? undefined : above.find((base) => sources.files.includes(scripts(base)));
  const home = found ?? folder;
  const needs = found === undefined ? [] : [scripts(found)];
  if (home === folder) return { tool: 'Alembic', at, home, needs, command: upgrade };
  const config = posix.relative(home, at);
  const command = upgrade.replace('alembic upgrade', `alembic -c ${config} upgrade`);
  return { tool: 'Alembic', at, home, needs, command };
}

function ancestors(folder: string): string[] {
  const above = folderOf(folder);
  return folder === '' ? [] : [above, ...ancestors(above)];
}

async function inPyproject(sources: Sources, at: string): Promise<Draft | undefined> {
  const text = (await sources.tree.read(at)) ?? '';
  const home = folderOf(at);
  if (/^\[tool\.aerich\]/m.test(text))
    return { tool: 'Aerich', at, home, command: pythonCommand(sources, 'aerich upgrade') };
  // Alembic 1.16 reads its settings from here: https://alembic.sqlalchemy.org/en/latest/tutorial.html#using-pep-621-pyproject-toml-for-configuration
  const [, section] = /^\[tool\.alembic\]\n([\s\S]*?)(?=^\[|(?![\s\S]))/m.exec(text) ?? [];
  if (section === undefined) return undefined;
  const [, location = ''] = /^[ \t]*script_location\s*=\s*["']([^"']+)/m.exec(section) ?? [];
  return alembic(sources, { at, folder: home, location: location.replace(/^%\(here\)s\/?/, '') });
}

async function isFlask({ tree }: Sources, file: string): Promise<boolean> {
  return /\bfrom flask import\b|\bcurrent_app\b/.test((await tree.read(file)) ?? '');
}

async function flaskMigrate(sources: Sources, at: string): Promise<Draft | undefined> {
  if (!(await isFlask(sources, at))) return undefined;
  const home = folderOf(folderOf(at));
  const has = (name: string) => sources.files.includes(posix.join(home, name));
  const named =
    Object.hasOwn(sources.variables, 'FLASK_APP') ||
    /\bFLASK_APP=/.test(sources.start) ||
    /^[ \t]*FLASK_APP=/m.test((await sources.tree.read(posix.join(home, '.flaskenv'))) ?? '');
  // Flask finds these names by default: https://flask.palletsprojects.com/en/stable/cli/#application-discovery
  const isFound = named || ['app.py', 'wsgi.py', 'app/__init__.py', 'wsgi/__init__.py'].some(has);
  const [, app] = isFound
    ? []
    : (/\b(?:gunicorn|uwsgi|waitress-serve)\b[^\n]{0,300}?\s["']?([A-Za-z_][\w.]*:[A-Za-z_]\w*(?:\(\))?)["']?(?=\s|$|")/.exec(
        sources.start,
      ) ?? []);
  const option = app === undefined ? '' : ` --app '${app}'`;
  return {
    tool: 'Flask-Migrate',
    at,
    home,
    command: pythonCommand(sources, `flask${option} db upgrade`),
    gap: isFound || app !== undefined ? undefined : 'Flask cannot find the app here: set FLASK_APP.',
  };
}

/** Other frameworks also have a manage.py. */
async function managePy(sources: Sources, at: string): Promise<Draft | undefined> {
  const text = (await sources.tree.read(at)) ?? '';
  const home = folderOf(at);
  const python = interpreter(sources);
  if (/\bflask_migrate\b/.test(text) && /\bMigrateCommand\b/.test(text)) {
    const command = pythonCommand(sources, `${python} manage.py db upgrade`);
    return { tool: 'Flask-Migrate', at, home, command };
  }
  if (!/\bdjango\b/i.test(text)) return undefined;
  const migrate = (file: string) => pythonCommand(sources, `${python} ${file} migrate --noinput`);
  return {
    tool: 'Django',
    at,
    home,
    command: migrate('manage.py'),
    from: (folder) =>
      migrate(folder.endsWith("'") ? `${folder.slice(0, -1)}/manage.py'` : `${folder}/manage.py`),
  };
}
