import { posix } from 'node:path';
import { folderOf, isIn } from '../study/tree.ts';
import type { Draft, MigrationRule, Sources } from './model.ts';

export const phpRules: readonly MigrationRule[] = [
  { marker: /(?:^|\/)artisan$/, draft: laravel },
  { marker: /(?:^|\/)bin\/console$/, draft: symfony },
  { marker: /(?:^|\/)bin\/cake$/, draft: cake },
  byPackage(/(?:^|\/)phinx\.(?:php|ya?ml|json)$/, 'Phinx', 'robmorgan/phinx', 'vendor/bin/phinx migrate'),
  byPackage(/(?:^|\/)yii$/, 'Yii', 'yiisoft/yii2', 'php yii migrate --interactive=0'),
  { marker: /(?:^|\/)spark$/, draft: codeIgniter },
];

async function laravel(_: Sources, at: string): Promise<Draft | undefined> {
  return { tool: 'Laravel', at, home: folderOf(at), command: 'php artisan migrate --force' };
}

async function symfony(sources: Sources, at: string): Promise<Draft | undefined> {
  const home = folderOf(folderOf(at));
  const needs = await composerNeeds(sources, home);
  const isConfigured = sources.files.some(
    (file) => isIn(file, posix.join(home, 'config/packages')) && /doctrine_migrations\.ya?ml$/.test(file),
  );
  if (!needs.includes('doctrine/doctrine-migrations-bundle') && !isConfigured) return undefined;
  const command = 'php bin/console doctrine:migrations:migrate --no-interaction --allow-no-migration';
  return { tool: 'Doctrine', at, home, command };
}

async function cake(sources: Sources, at: string): Promise<Draft | undefined> {
  const home = folderOf(folderOf(at));
  const hasOwn = sources.files.some((file) => isIn(file, posix.join(home, 'config/Migrations')));
  return hasOwn ? { tool: 'CakePHP', at, home, command: 'bin/cake migrations migrate' } : undefined;
}

/** A tool that composer.json lists beside its file. */
function byPackage(marker: RegExp, tool: string, name: string, command: string): MigrationRule {
  const draft = async (sources: Sources, at: string): Promise<Draft | undefined> => {
    const home = folderOf(at);
    return (await composerNeeds(sources, home)).includes(name) ? { tool, at, home, command } : undefined;
  };
  return { marker, draft };
}

async function codeIgniter(sources: Sources, at: string): Promise<Draft | undefined> {
  const home = folderOf(at);
  const hasOwn = sources.files.some(
    (file) => isIn(file, posix.join(home, 'app/Database/Migrations')) && file.endsWith('.php'),
  );
  return hasOwn ? { tool: 'CodeIgniter', at, home, command: 'php spark migrate --all' } : undefined;
}

async function composerNeeds({ tree }: Sources, home: string): Promise<string[]> {
  const text = await tree.read(posix.join(home, 'composer.json'));
  return [...(text ?? '').matchAll(/"([\w.-]+\/[\w.-]+)"\s*:/g)].map(([, name = '']) => name);
}

export const rubyRules: readonly MigrationRule[] = [
  { marker: /(?:^|\/)db\/migrate\/\d+_\w+\.rb$/, draft: activeRecord },
  // An app without a first migration also has a database.
  { marker: /(?:^|\/)config\/database\.yml$/, draft: newRails },
];

/** `db/migrate` is ActiveRecord's, with Rails or without. */
async function activeRecord(sources: Sources, at: string): Promise<Draft | undefined> {
  const home = folderOf(folderOf(folderOf(at)));
  const has = (path: string) => sources.files.includes(posix.join(home, path));
  // Engines and gems also have migrations, but do not run them.
  if (!has('config/environment.rb') && !has('Rakefile')) return undefined;
  const isRails = has('config/application.rb');
  const command = isRails
    ? has('bin/rails')
      ? 'bin/rails db:migrate'
      : 'bundle exec rails db:migrate'
    : 'bundle exec rake db:migrate';
  return { tool: isRails ? 'Rails' : 'ActiveRecord', at, home, command };
}

async function newRails(sources: Sources, at: string): Promise<Draft | undefined> {
  const home = folderOf(folderOf(at));
  const has = (path: string) => sources.files.includes(posix.join(home, path));
  const isOlder = sources.files.some((file) => isIn(file, posix.join(home, 'db/migrate')));
  if (isOlder || !has('config/application.rb') || !has('bin/rails')) return undefined;
  return { tool: 'Rails', at, home, command: 'bin/rails db:migrate' };
}
