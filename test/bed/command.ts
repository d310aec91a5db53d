import { spawn } from 'node:child_process';

export interface Result {
  code: number;
  stdout: string;
  stderr: string;
}

export interface CommandOptions {
  /** Written to stdin, which is then closed. */
  stdin?: string;
  cwd?: string;
  /** Milliseconds until the command is killed; none by default. */
  timeout?: number;
}

/** Runs a program and returns what it did, whatever its exit code. Throws only when it can't be started. */
export function command(argv: readonly string[], options: CommandOptions = {}): Promise<Result> {
  const [file, ...args] = argv;
  if (file === undefined) throw new Error('command: no program given');
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd: options.cwd, timeout: options.timeout, killSignal: 'SIGKILL' });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (signal !== null) stderr += `\n${file} ended by ${signal}`;
      resolve({ code: code ?? 128, stdout, stderr });
    });
    // A program that ends before it has read everything is judged by its exit code, not by EPIPE.
    child.stdin.on('error', () => {});
    child.stdin.end(options.stdin ?? '');
  });
}

/** Like {@link command}, but a non-zero exit code is an error that shows the end of the output. Returns stdout. */
export async function must(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
  const result = await command(argv, options);
  if (result.code === 0) return result.stdout;
  const output = `${result.stdout}\n${result.stderr}`.trim().split('\n').slice(-30).join('\n');
  throw new Error(`exit code ${result.code}: ${argv.join(' ')}\n${output}`);
}
