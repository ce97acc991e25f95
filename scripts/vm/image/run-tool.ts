/** Runs the programs that build images, without a shell; a failure says which, and in its words why. */
import { execa } from 'execa';
import { ImageError } from './image-error.ts';
import { requireTools, type Tool } from './tools.ts';

export interface RunOptions {
  env?: Record<string, string>;
  cwd?: string;
  input?: Buffer;
  /** A file for its standard output. */
  output?: string;
  /** What to do when it fails. */
  remedy?: string;
  signal?: AbortSignal | undefined;
}

/** To undo what it began, before it is killed, in milliseconds. */
const GRACE = 60_000;

/** Resolves to its standard output. Throws ImageError; the reason of `signal`, once it is aborted. */
export async function runTool(
  tool: Tool,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  requireTools([tool]);
  const { env, cwd, input, output, remedy, signal } = options;
  const ran = await execa(tool, args, {
    env: { LC_ALL: 'C.UTF-8', ...env },
    forceKillAfterDelay: GRACE,
    reject: false,
    stdout: output === undefined ? 'pipe' : { file: output },
    ...(input ? { input } : { stdin: 'ignore' }),
    ...(cwd ? { cwd } : {}),
    ...(signal ? { cancelSignal: signal } : {}),
  });
  signal?.throwIfAborted();
  if (!ran.failed) return ran.stdout ?? '';
  const how = ran.signal ? `was ended by ${ran.signal}` : `ended with exit code ${ran.exitCode}`;
  const why = lastWords(ran.stderr ?? '');
  throw new ImageError(`${tool} ${how}${why && `: ${why}`}`, {
    ...(remedy ? { remedy } : {}),
    cause: ran,
  });
}

/** The last two lines that say what went wrong, or just the last. */
function lastWords(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  const errors = lines.filter((line) => /^(?:E:|Err:|npm error|\S+: )/.test(line));
  return (errors.length > 0 ? errors.slice(-2) : lines.slice(-1)).join(' / ').slice(0, 400);
}
