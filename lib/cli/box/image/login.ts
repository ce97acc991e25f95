/**
 * `box login` and `box logout`.
 */
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { DOCKER_HUB, parseReference } from '../../../image/reference.ts';
import {
  forgetCredentials,
  keepCredentials,
  tryCredentials,
} from '../../../image/registry/login.ts';
import { usageError } from '../box-error.ts';
import { interruptible } from '../interrupt.ts';

export interface LoginFlags {
  username?: string;
  password?: string;
  passwordStdin?: boolean;
}

export async function logIn(server: string | undefined, flags: LoginFlags): Promise<void> {
  const registry = registryOf(server);
  const account = await readAccount(flags);
  await interruptible((signal) => tryCredentials(registry, account, { signal }));
  const kept = await keepCredentials(registry, account);
  if (flags.password !== undefined) {
    process.stderr.write(
      'box: warning: -p shows the password to others; --password-stdin does not\n',
    );
  }
  process.stdout.write(`Login Succeeded; kept in ${kept}\n`);
}

export async function logOut(server: string | undefined): Promise<void> {
  const registry = registryOf(server);
  const had = await forgetCredentials(registry);
  process.stdout.write(
    had ? `Removing login credentials for ${registry}\n` : `Not logged in to ${registry}\n`,
  );
}

/** A host with its port, perhaps written as an address. Throws ImageError for what is none. */
function registryOf(server: string | undefined): string {
  const host = server?.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
  if (!host || /^(registry-1\.|index\.)?docker\.io$/.test(host)) return DOCKER_HUB;
  const { registry } = parseReference(`${host}/any`);
  if (registry === host) return host;
  throw usageError(
    `${server}: a registry is a host with a dot or a port, as registry.example:5000`,
  );
}

async function readAccount(flags: LoginFlags): Promise<{ username: string; password: string }> {
  const { passwordStdin = false } = flags;
  if (passwordStdin && flags.password !== undefined) {
    throw usageError('login: --password and --password-stdin exclude each other');
  }
  if (passwordStdin && flags.username === undefined) {
    throw usageError('login: --password-stdin wants --username too');
  }
  const username = flags.username ?? (await ask('Username: '));
  const password = passwordStdin
    ? (await text(process.stdin)).replace(/\r?\n$/, '')
    : (flags.password ?? (await askSecretly('Password: ')));
  if (username === '' || password === '') throw usageError('login: name and password are needed');
  return { username, password };
}

function assertTerminal(): void {
  if (process.stdin.isTTY) return;
  throw usageError('login: nobody can be asked here; say -u NAME --password-stdin');
}

async function ask(question: string): Promise<string> {
  assertTerminal();
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await asking.question(question);
  asking.close();
  return answer.trim();
}

/** What is typed goes to an output that drops it. */
async function askSecretly(question: string): Promise<string> {
  assertTerminal();
  process.stderr.write(question);
  const output = new Writable({ write: (_chunk, _encoding, done) => done() });
  const asking = createInterface({ input: process.stdin, output, terminal: true });
  const answer = await asking.question('');
  asking.close();
  process.stderr.write('\n');
  return answer;
}
