/**
 * A real registry for tests: Debian's docker-registry on a free port of 127.0.0.1, with a directory
 * of its own, ended by its process id.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { stringify } from 'yaml';

export interface TestRegistry {
  /** `127.0.0.1:PORT` */
  host: string;
  url: string;
  directory: string;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface TestRegistryOptions {
  /** The registry's own `auth` section; may name files of the directory. */
  auth?: (directory: string) => object;
}

export async function startRegistry(options: TestRegistryOptions = {}): Promise<TestRegistry> {
  const directory = mkdtempSync(join(tmpdir(), 'unboxed-image-registry-'));
  const config = {
    version: '0.1',
    log: { level: 'info', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: directory }, delete: { enabled: true } },
    http: { addr: '127.0.0.1:0' },
    ...(options.auth ? { auth: options.auth(directory) } : {}),
  };
  const path = join(directory, 'config.yml');
  writeFileSync(path, stringify(config));
  const child = spawn('docker-registry', ['serve', path], { stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit');
  const dispose = async () => {
    child.kill();
    await exited;
    rmSync(directory, { recursive: true, force: true });
  };
  const said: string[] = [];
  const listening = (stream: NodeJS.ReadableStream) =>
    new Promise<string>((resolve) => {
      createInterface({ input: stream }).on('line', (line) => {
        said.push(line);
        const found = /listening on (127\.0\.0\.1:\d+)/.exec(line)?.[1];
        if (found) resolve(found);
      });
    });
  const host = await Promise.race([
    listening(child.stdout),
    listening(child.stderr),
    exited.then(() => Promise.reject(new Error(said.join('\n')))),
  ]).catch(async (error: unknown) => {
    await dispose();
    throw error;
  });
  return { host, url: `http://${host}`, directory, [Symbol.asyncDispose]: dispose };
}
