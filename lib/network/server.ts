/**
 * Running serve.ts in a network namespace, its own or another process's, and hearing what it
 * prints. It ends with this process, however that ends.
 */
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { SIG_SETMASK } from '../kernel/constants.ts';
import { launch } from '../launch/program.ts';
import { start } from '../launch/start.ts';
import { openStreams } from '../launch/streams.ts';

export interface Server {
  pid: number;
  port: number;
  /** What it has printed so far. */
  lines: readonly string[];
  /** The first line from number `from` on that `matches`; null when none comes in `within` ms. */
  hear(matches: RegExp, options?: { from?: number; within?: number }): Promise<string | null>;
  end(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface ServerOptions {
  address: string;
  /** Default: a free one. */
  port?: number;
  /** The one name that it knows; without it, it does not answer DNS queries. */
  name?: string;
  /** In its environment as `container`, for cleaning after a crash. */
  id: string;
  /** A process in whose network namespace it listens, or what is done to the new one first. */
  network: { pid: number } | { connect: (pid: number) => Promise<void> };
}

/** Longer than a busy machine needs to start Node or to hand on a packet. */
const PATIENCE = 10_000;

/** Resolves when it listens. Throws LaunchError, or Error with what it printed when it does not. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { address, port = 0, name, id, network } = options;
  const script = fileURLToPath(new URL('./serve.ts', import.meta.url));
  const words = [script, address, String(port), ...(name === undefined ? [] : [name])];
  const own = 'connect' in network ? network.connect : undefined;
  const program = launch({ namespaces: own ? ['network'] : [] }, (call) => {
    if (own) call.gate('network');
    call.rtSigprocmask(SIG_SETMASK, []);
    const { NODE_OPTIONS = '' } = process.env;
    call.execve(process.execPath, ['node', ...words], { container: id, NODE_OPTIONS });
  });
  const from =
    'pid' in network ? { pid: network.pid, namespaces: ['network'] as const } : undefined;
  const streams = openStreams({ stdin: 'null', stdout: 'pipe', stderr: 'stdout' });
  const child = await streams.hand((given) =>
    start(program, { from, streams: given, atGate: async (_gate, pid) => own?.(pid) }),
  );
  if (!streams.stdout) throw new Error('a server has a pipe for its output');
  const { lines, hear } = openEar(streams.stdout);
  const end = async () => {
    child.kill();
    await child.exited;
  };
  const ready = await hear(/^ready on \d+$/, { within: PATIENCE });
  if (ready === null) {
    await end();
    throw new Error(`serve.ts ${words.slice(1).join(' ')}: ${lines.join(' ') || 'silent'}`);
  }
  const listening = Number(ready.replace(/\D/g, ''));
  return { pid: child.pid, port: listening, lines, hear, end, [Symbol.asyncDispose]: end };
}

function openEar(output: NodeJS.ReadableStream): Pick<Server, 'lines' | 'hear'> {
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  const reader = createInterface({ input: output });
  let ended = false;
  const wake = () => {
    for (const look of waiting) look();
  };
  reader.on('line', (line) => {
    lines.push(line);
    wake();
  });
  reader.on('close', () => {
    ended = true;
    wake();
  });
  const hear: Server['hear'] = (matches, { from = 0, within = 1000 } = {}) =>
    new Promise((resolve) => {
      const settle = (line: string | null) => {
        clearTimeout(timer);
        waiting.delete(look);
        resolve(line);
      };
      const look = () => {
        const line = lines.slice(from).find((each) => matches.test(each));
        if (line !== undefined || ended) settle(line ?? null);
      };
      const timer = setTimeout(() => settle(null), within);
      waiting.add(look);
      look();
    });
  return { lines, hear };
}
