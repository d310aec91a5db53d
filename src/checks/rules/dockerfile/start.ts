import type { Instruction, Stage } from '../../../config/dockerfile/parse.ts';
import { developmentIn } from '../compose/development.ts';
import { type ImageBuild, instructionsOf } from '../image/build.ts';
import type { Hit, Rule } from '../rule.ts';
import { startScripts } from './user.ts';

const jsonArgs = {
  name: 'Docker: JSONArgsRecommended',
  url: 'https://docs.docker.com/reference/build-checks/json-args-recommended/',
};

/** CMD and ENTRYPOINT that count: the last of each kind. */
function startOf(target: Stage): Instruction[] {
  const all = instructionsOf(target);
  const entrypoint = all.findLast(({ keyword }) => keyword === 'ENTRYPOINT');
  const command = all.findLast(({ keyword }) => keyword === 'CMD');
  return [entrypoint, command].filter((instruction) => instruction !== undefined);
}

export const shellForm: Rule<ImageBuild> = {
  id: 'dockerfile/shell-form',
  severity: 'medium',
  level: 'fail',
  title: 'CMD and ENTRYPOINT are lists, so that the program gets SIGTERM.',
  why: 'A command in shell form runs as a child of /bin/sh, which does not forward SIGTERM (dash of Debian and Ubuntu forks for it). A deploy waits for stop_grace_period and then kills requests and tasks in flight.',
  fix: 'Write the command as a list: CMD ["gunicorn", "app"]. If you need a shell, start the last command with exec.',
  source: jsonArgs,
  example: {
    file: 'Dockerfile',
    bad: 'FROM python:3.13-slim\nUSER 10001\nCMD gunicorn app:app\n',
    good: 'FROM python:3.13-slim\nUSER 10001\nCMD ["gunicorn", "app:app"]\n',
  },
  check: (image) => {
    const seen = new Set<number>();
    return image.targets.flatMap((target) =>
      startOf(target).flatMap((instruction): Hit[] => {
        const { keyword, line, endLine } = instruction;
        if (!swallows(instruction, target) || seen.has(line)) return [];
        seen.add(line);
        const message = `${keyword} runs in a shell, which does not forward SIGTERM to the program.`;
        return [{ file: image.path, line, endLine, message }];
      }),
    );
  },
};

/** A shell that forks for its last command: `CMD x`, `["sh", "-c", "a && b"]`. */
function swallows({ list, text, keyword }: Instruction, target: Stage): boolean {
  if (list !== undefined) {
    const isShell = /(?:^|\/)(?:ba|da|a)?sh$/.test(list[0] ?? '') && /^-\w*c$/.test(list[1] ?? '');
    return isShell && !/(?:^|&&|;|\n|\|\|)[^\S\n]*exec\s/.test(list[2] ?? '');
  }
  if (text.trim() === '' || /(?:^|&&|;)\s*exec\s/.test(text)) return false;
  // After an entrypoint in list form, `sh -c` is only an argument of the entrypoint.
  const entrypoint = startOf(target).find((instruction) => instruction.keyword === 'ENTRYPOINT');
  return keyword === 'ENTRYPOINT' || entrypoint === undefined;
}

const server =
  /^(?:gunicorn|uvicorn|hypercorn|granian|daphne|celery|python3?|node|npm|yarn|pnpm|npx|puma|bundle|rails|java|php|php-fpm|nginx|caddy|dotnet|uwsgi|waitress-serve|\.\/[\w-]+|"\$@"|\$@|\$\*)(?:\s|$)/;

export const entrypointExec: Rule<ImageBuild> = {
  id: 'dockerfile/entrypoint-exec',
  severity: 'medium',
  level: 'fail',
  title: 'An entrypoint script starts the program with exec.',
  why: 'Without exec the script stays process 1 and does not forward SIGTERM: a deploy waits for stop_grace_period and then kills requests and tasks in flight.',
  fix: 'Start the last command of the script with exec: exec "$@", exec gunicorn ….',
  source: {
    name: 'Docker: ENTRYPOINT',
    url: 'https://docs.docker.com/build/building/best-practices/#entrypoint',
  },
  example: {
    file: 'entrypoint.sh',
    beside: {
      Dockerfile: 'FROM python:3.13-slim\nCOPY entrypoint.sh /\nUSER 10001\nENTRYPOINT ["/entrypoint.sh"]\n',
    },
    bad: '#!/bin/sh\nset -e\nalembic upgrade head\ngunicorn app:app\n',
    good: '#!/bin/sh\nset -e\nalembic upgrade head\nexec gunicorn app:app\n',
  },
  check: (image) => {
    const hits = image.targets.flatMap((target) => {
      const all = instructionsOf(target);
      return startScripts(startOf(target), all, image).flatMap(({ path, text }) => {
        const last = lastCommand(text);
        if (last === undefined) return [];
        const message = 'The last command of the script runs without exec, so it does not receive SIGTERM.';
        return { file: path, line: last, message };
      });
    });
    return [...new Map(hits.map((hit) => [`${hit.file}:${hit.line}`, hit])).values()];
  },
};

/** Line of the last command, if it starts a server in the foreground below the script. */
function lastCommand(text: string): number | undefined {
  if (!/^#!.*\b(?:ba|da|a|z)?sh\b/.test(text)) return undefined;
  const lines = text.split(/\r?\n/);
  const index = lines.findLastIndex((line) => line.trim() !== '' && !/^\s*#/.test(line));
  const first = lines.slice(0, index).findLastIndex((line) => !/\\$/.test(line)) + 1;
  const command = lines
    .slice(first, index + 1)
    .join(' ')
    .trim();
  // In a function, a loop or a branch more commands may follow; a trap forwards the signal.
  const isPlain =
    !/^\s/.test(lines[first] ?? '') && !/(?:^|\n)[^\S\n]*trap\s/.test(text) && !/&\s*$/.test(command);
  return isPlain && server.test(command) ? first + 1 : undefined;
}

export const devCommand: Rule<ImageBuild> = {
  id: 'dockerfile/dev-command',
  severity: 'high',
  level: 'fail',
  title: 'The image starts a production server, not a development server.',
  why: 'Development servers reload on changes, answer one request at a time, and show stack traces to visitors. Their own documentation advises against production use.',
  fix: 'Start a production server: gunicorn or uvicorn without --reload, node on the built files, a web server on the static ones.',
  source: {
    name: 'Flask: do not use the development server in production',
    url: 'https://flask.palletsprojects.com/en/stable/deploying/',
  },
  example: {
    file: 'Dockerfile',
    bad: 'FROM python:3.13-slim\nUSER 10001\nCMD ["uvicorn", "app:app", "--reload"]\n',
    good: 'FROM python:3.13-slim\nUSER 10001\nCMD ["uvicorn", "app:app"]\n',
  },
  check: (image) =>
    image.targets.flatMap((target) => {
      const start = startOf(target);
      const last = start.at(-1);
      const what = developmentIn(start.map(({ list, text }) => list?.join(' ') ?? text).join(' '));
      if (last === undefined || what === undefined) return [];
      const { line, endLine } = last;
      return { file: image.path, line, endLine, message: `The image starts ${what}.` };
    }),
};
