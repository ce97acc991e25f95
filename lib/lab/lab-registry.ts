/**
 * A registry for a lab: Debian's docker-registry on a free port of the loopback interface, with its
 * storage in the run's directory. It is journalled, so that it does not outlive the lab.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { stringify } from 'yaml';
import { processesOf } from '../container/run.ts';
import { withHost } from '../host/with-host.ts';
import { findCommand } from '../observe/command.ts';

const COMMAND = 'docker-registry';

/** Why there is none to be had here, or null. */
export const registryIsMissing = (): string | null =>
  findCommand(COMMAND) === null ? `${COMMAND} is not installed` : null;

/** Serves from below `directory` while `body` works; `host` is `127.0.0.1:PORT`. */
export function withRegistry<T>(
  directory: string,
  run: string,
  body: (host: string) => Promise<T>,
): Promise<T> {
  return withHost(run, undefined, async (host) => {
    mkdirSync(directory, { recursive: true });
    const config = `${directory}/config.yml`;
    const storage = { filesystem: { rootdirectory: directory } };
    const log = { level: 'info', accesslog: { disabled: true } };
    writeFileSync(
      config,
      stringify({ version: '0.1', log, storage, http: { addr: '127.0.0.1:0' } }),
    );
    await host.do(processesOf(run));
    const server = execa(COMMAND, ['serve', config], {
      ...{ env: { container: run }, reject: false, all: true, stdin: 'ignore', buffer: false },
    });
    try {
      return await body(await addressOf(server.all));
    } finally {
      server.kill();
      await server;
    }
  });
}

/** It says where it listens as soon as it does. */
async function addressOf(output: NodeJS.ReadableStream): Promise<string> {
  const said: string[] = [];
  const lines = createInterface({ input: output });
  for await (const line of lines) {
    said.push(line);
    const found = /listening on (127\.0\.0\.1:\d+)/.exec(line)?.[1];
    if (found === undefined) continue;
    // It goes on talking, and would stop at a full pipe.
    output.resume();
    return found;
  }
  throw new Error(`${COMMAND} ended: ${said.at(-1) ?? 'without a word'}`);
}
