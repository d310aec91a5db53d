import { posix } from 'node:path';
import { folderOf, isIn } from '../study/tree.ts';
import type { Draft, MigrationRule, Sources } from './model.ts';

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
