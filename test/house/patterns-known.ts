/**
 * Patterns whose cost grows faster than their text, and what they see: texts that are short by their nature. A new one has to be
 * put here with its reason, or (better) to be written so that it does not.
 */
export const shortTexts: Readonly<Record<string, string>> = {
  '\\d.*[A-Za-z].*\\d': 'a name of at most 24 characters',
  '\\.?0+$': 'a number of ours',
  '-----BEGIN OPENSSH PRIVATE KEY-----([\\s\\S]*)-----END': 'the key of this run',
  '; port \\d+ from .*$': 'a sentence of ours',
  '^\\.?env(?:[._-][\\w-]+)?[._-](?:example|sample|template|dist|tpl|defaults?)(?:[._-][\\w-]+)?$|^(?:[\\w-]+[._-])?(?:example|sample|template)s?\\.env$|^[\\w-]+\\.env[._-](?:example|sample|template|dist)$|^\\.env\\.docker$':
    'a path in the repository',
  '(?:^|\\/)(?:app|pages)\\/((?:[\\w-]+\\/)*(?:healthz?|health-?check))(?:\\/route)?\\.[jt]sx?$':
    'a path in the repository',
  '^(?:function\\s+)?([\\w:.-]+)\\s*\\(\\)\\s*\\{?\\s*$|^function\\s+([\\w:.-]+)\\s*\\{\\s*$':
    'a line that a person wrote, in a file of the repository',
  '\\{\\s*Ecto\\.Migrator\\s*,|\\bRelease(?:Tasks)?\\.(?:\\w*migrat\\w*|init|setup)\\(|^[ \\t]+\\w*migrat\\w*\\(\\)\\s*$':
    'a line that a person wrote, in a file of the repository',
  '(?:^|\\/)(?:cmd\\/\\w*migrat\\w*|scripts?|tools?|bin|tests?|__tests__|spec|e2e|examples?|docs?)\\/|[._-](?:test|spec)s?\\.|_test\\.go$|(?:^|\\/)test_':
    'a path in the repository',
  '(?:^|\\/)migrations?\\/\\d{10,}[^/]*\\.[jt]s$': 'a path in the repository',
  '(?<![\\w/])(\\/(?!usr\\/|bin\\/|sbin\\/)[\\w./-]+\\/bin\\/)(?:python3?|gunicorn|uvicorn|fastapi|celery|daphne|hypercorn|granian|uwsgi)\\b':
    'a path in the repository',
  '(?:^|\\/)[\\w-]*migrations?\\/(?:\\w+\\/)?\\d{3,}[\\w.-]*\\.sql$': 'a path in the repository',
  '(?:^|\\/)supervisor[\\w./-]*\\.(?:conf|ini)$': 'a path in the repository',
  ':(?![^[]*\\])': 'a path in the repository',
  '(?:^|\\/)\\.env(?:\\..+)?$|\\.env$': 'a path in the repository',
  '\\bssh\\s+(?:-\\S+\\s+(?:\\S+\\s+)?){0,10}[\\w$.{}-]{1,100}@[\\w$.{}-]+':
    'a line that a person wrote, in a file of the repository',
};

const names = 'a name or a path, escaped';
const globs = 'a glob of a file in the repository';
const parts = 'parts that are written in the same file';

/** Files that build patterns of texts, and what they put in. */
export const builtPatterns: Readonly<Record<string, string>> = {
  'src/build/digest/dockerfile.ts': parts,
  'src/cdn/pages/css.ts': parts,
  'src/cdn/dist/pattern.ts': 'globs of sluice.yml',
  'src/cdn/pages/html-tokens.ts': 'one of our names of elements',
  'src/checks/detect/node-manager.ts': globs,
  'src/checks/detect/node.ts': parts,
  'src/checks/detect/python.ts': globs,
  'src/checks/rules/image/build-output.ts': parts,
  'src/checks/rules/env/patterns.ts': parts,
  'src/checks/rules/image/stage-contents.ts': globs,
  'src/checks/tools/scan/lock-files.ts': names,
  'src/checks/tools/node/test-script.ts': 'one of our names of test runners',
  'src/checks/tools/scan/trufflehog.ts': 'one of our names of flags',
  'src/checks/tools/python/unittest.ts': 'one of our words',
  'src/config/services/callers.ts': names,
  'src/config/services/capacity.ts': names,
  'src/config/compose/build-model.ts': names,
  'src/config/compose/errors.ts': names,
  'src/config/compose/faults.ts': names,
  'src/config/compose/choice/overlay.ts': names,
  'src/config/secrets/compose-requests.ts': names,
  'src/config/dockerignore/go-text.ts': parts,
  'src/config/dockerignore/ignore.ts': globs,
  'src/config/health/check.ts': names,
  'src/config/health/http-check.ts': parts,
  'src/config/images/reference.ts': parts,
  'src/config/mounts/image-holds.ts': globs,
  'src/config/ports/clash.ts': 'a number',
  'src/config/secrets/reserved.ts': parts,
  'src/config/routing/nginx-proxy.ts': names,
  'src/config/services/sole.ts': 'an address',
  'src/deploy/database/postgres/dump.ts': 'one of our words',
  'src/deploy/database/postgres/restore.ts': 'one of our words',
  'src/host/probe/parse.ts': 'one of our words',
  'src/host/commands/shell.ts': 'our mark',
  'src/init/study/services.ts': names,
  'src/init/study/compose-notes.ts': names,
  'src/init/study/health.ts': parts,
  'src/init/stand-ins/hide.ts': 'a number',
  'src/init/migrations/at-start.ts': names,
  'src/init/migrations/image-files.ts': globs,
  'src/init/migrations/packages.ts': names,
  'src/init/migrations/sql.ts': names,
  'src/init/stand-ins/short-syntax.ts': parts,
  'src/init/render/yaml.ts': 'blanks',
  'src/kernel/foreign.ts': parts,
};
