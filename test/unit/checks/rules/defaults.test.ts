import { describe, expect, test } from 'vitest';
import { ownFindings } from '../../../support/checks/own.ts';
import { memoryRepo } from '../../../support/checks/repo.ts';

type Texts = Readonly<Record<string, string>>;

/** `fail SECRET_KEY`, of one rule. */
async function said(texts: Texts, rule: string): Promise<string[]> {
  const found = await ownFindings(memoryRepo(texts));
  return found.filter((finding) => finding.rule === rule).map(({ level, subject }) => `${level} ${subject}`);
}

describe('variables that the code has a default for', () => {
  const read = (file: string, line: string, example = 'FOO=1\n') =>
    said({ '.env.example': example, [file]: `${line}\n` }, 'env/undocumented');

  test.each([
    ['app.rb', 'url = ENV.fetch("REDIS_URL") { "redis://redis" }'],
    ['app.rb', 'url = ENV.fetch "REDIS_URL" do "redis://redis" end'],
    ['app.rb', 'url = ENV.fetch("REDIS_URL", "redis://redis")'],
    ['app.rb', 'url = ENV["REDIS_URL"].presence || "redis://redis"'],
    ['app.rb', 'connect(ENV["REDIS_URL"]) if ENV["REDIS_URL"]'],
    ['app.py', 'url = os.getenv("REDIS_URL", "redis://redis")'],
    ['app.py', 'url = os.environ.get("REDIS_URL") or "redis://redis"'],
    ['app.py', 'if "REDIS_URL" in os.environ:\n    url = os.environ["REDIS_URL"]'],
    ['app.py', 'env = environ.Env(REDIS_URL=(str, "redis://redis"))\nurl = env("REDIS_URL")'],
    ['app.py', 'class Settings(BaseSettings):\n    redis_url: str = Field("redis://redis", min_length=1)'],
    ['app.py', 'os.environ.setdefault("REDIS_URL", "x")\nurl = os.environ["REDIS_URL"]'],
    ['app.js', 'const url = process.env.REDIS_URL ?? "redis://redis"'],
    ['app.js', 'const port = parseInt(process.env.REDIS_URL, 10) || 3000'],
    ['app.ts', 'const url = (process.env.REDIS_URL as string) || "redis://redis"'],
    ['app.ts', 'if (!process.env.REDIS_URL) skip()\nuse(process.env.REDIS_URL)'],
    ['app.js', 'process.env.REDIS_URL = "redis://redis"'],
    ['app.php', "$url = env('REDIS_URL', 'redis://redis');"],
    ['app.php', "$url = getenv('REDIS_URL') ?: 'redis://redis';"],
    ['app.go', 'url := cmp.Or(os.Getenv("REDIS_URL"), "redis://redis")'],
    ['app.go', 'if v := os.Getenv("REDIS_URL"); v != "" { url = v }'],
    ['app.go', 'viper.SetDefault("REDIS_URL", "x")\nurl := os.Getenv("REDIS_URL")'],
    ['App.java', 'String url = System.getenv().getOrDefault("REDIS_URL", "redis://redis");'],
    ['App.kt', 'val url = System.getenv("REDIS_URL") ?: "redis://redis"'],
    ['app.ex', 'url = System.get_env("REDIS_URL") || "redis://redis"'],
    ['app.ex', 'url = System.get_env("REDIS_URL", "redis://redis")'],
    ['config/services.php', "'url' => env('REDIS_URL'),"],
  ])('%s: %s', async (file, line) => {
    expect(await read(file, line)).toEqual([]);
  });

  test.each([
    ['app.rb', 'url = ENV.fetch("REDIS_URL")', 'fail'],
    ['app.rb', 'url = ENV.fetch("REDIS_URL") { raise "no" }', 'fail'],
    ['app.rb', 'url = ENV["REDIS_URL"]', 'note'],
    ['app.py', 'url = os.environ["REDIS_URL"]', 'fail'],
    ['app.py', 'url = os.getenv("REDIS_URL")', 'note'],
    ['app.py', 'class Settings(BaseSettings):\n    redis_url: str = Field(min_length=1)', 'fail'],
    ['app.js', 'const url = process.env.REDIS_URL', 'note'],
    ['app.js', 'const url = process.env.REDIS_URL || fail("no")', 'fail'],
    ['app.php', "$url = env('REDIS_URL');", 'note'],
    ['app.go', 'url := os.Getenv("REDIS_URL")', 'note'],
    ['App.java', 'String url = System.getenv("REDIS_URL");', 'note'],
    ['app.ex', 'url = System.get_env("REDIS_URL") || raise "no"', 'fail'],
    ['app.ex', 'url = System.fetch_env!("REDIS_URL")', 'fail'],
  ])('%s: %s has none', async (file, line, level) => {
    expect(await read(file, line)).toEqual([`${level} REDIS_URL`]);
  });

  test.each([
    '#export REDIS_URL=redis://x\nFOO=1\n',
    '# REDIS_URL=\nFOO=1\n',
    'FOO=1\nnot a line\nREDIS_URL=x\n',
  ])('an example documents it: %j', async (example) => {
    expect(await read('app.rb', 'ENV.fetch("REDIS_URL")', example)).toEqual([]);
  });

  test('so does the example of a part, and a committed env file', async () => {
    const code = { '.env.example': 'FOO=1\n', 'api/app.py': 'os.environ["REDIS_URL"]\n' };
    expect(await said({ ...code, 'api/.env.sample': 'REDIS_URL=x\n' }, 'env/undocumented')).toEqual([]);
    expect(await said({ ...code, 'redis.env': 'REDIS_URL=x\n' }, 'env/undocumented')).toEqual([]);
    expect(await said(code, 'env/undocumented')).toEqual(['fail REDIS_URL']);
  });

  test('notes beyond ten are one', async () => {
    const lines = Array.from(
      { length: 12 },
      (_, index) => `const v${index} = process.env.VALUE_${index}`,
    ).join('\n');
    const texts = { '.env.example': 'FOO=1\n', 'app.js': `${lines}\n` };
    const found = (await ownFindings(memoryRepo(texts))).filter(({ rule }) => rule === 'env/undocumented');
    expect(found.map(({ message }) => message)).toEqual([
      '12 variables without a default are missing in .env.example: VALUE_0, VALUE_1, VALUE_10, VALUE_11, VALUE_2, VALUE_3, VALUE_4, VALUE_5 and 4 more.',
    ]);
  });
});

test('an entry that another one uses, and a file that an image of others gets whole, are used', async () => {
  const unused = (texts: Texts) => said({ 'app.py': 'os.environ["URL"]\n', ...texts }, 'env/unused');
  const example = { '.env.example': 'DB_HOST=db\nURL=postgres://${DB_HOST}/app\nLEFT=1\n' };
  expect(await unused(example)).toEqual(['note LEFT']);
  const whole = { 'compose.yml': 'services: { a: { image: "acme/a:1", env_file: .env } }\n' };
  expect(await unused({ ...example, ...whole })).toEqual([]);
});
