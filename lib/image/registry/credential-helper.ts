/**
 * Credential helpers: programs called `docker-credential-NAME` on PATH that keep what one logs in
 * with, in a keychain or at a cloud. They are asked with the word `get`, get the registry's address on
 * standard input, and answer with JSON; what is wrong they say on standard output too.
 *
 *     echo https://index.docker.io/v1/ | docker-credential-pass get
 *     {"ServerURL": "https://index.docker.io/v1/", "Username": "me", "Secret": "…"}
 *
 * docker-login(1), "Credential helpers"; the protocol is docker-credential-helpers' README
 */
import { execa } from 'execa';
import { ImageError } from '../image-error.ts';
import type { Credentials } from './credentials.ts';

/** How every helper says that it has none. */
const NONE = 'credentials not found in native keychain';
/** In place of a name, where the secret is an identity token. */
const TOKEN = '<token>';

/** Null where it has none for this address. Throws ImageError, without what the helper answered. */
export async function askHelper(
  name: string,
  server: string,
  where: string,
): Promise<Credentials | null> {
  const answer = await callHelper(name, 'get', server, where);
  if (answer === null) return null;
  const { Username: username, Secret: secret } = readAnswer(answer, commandOf(name));
  return username === TOKEN ? { identityToken: secret } : { username, password: secret };
}

/** Has the helper keep them. Throws ImageError. */
export async function tellHelper(
  name: string,
  server: string,
  { username, password }: { username: string; password: string },
  where: string,
): Promise<void> {
  const entry = { ServerURL: server, Username: username, Secret: password };
  await callHelper(name, 'store', JSON.stringify(entry), where);
}

/** Has the helper forget them, if it has any. Throws ImageError. */
export async function clearHelper(name: string, server: string, where: string): Promise<void> {
  await callHelper(name, 'erase', server, where);
}

const commandOf = (name: string) => `docker-credential-${name}`;

/** Null where it says that it has none. */
async function callHelper(
  name: string,
  word: 'get' | 'store' | 'erase',
  input: string,
  where: string,
): Promise<string | null> {
  if (!/^[\w.-]+$/.test(name)) {
    throw new ImageError(where, `${JSON.stringify(name)} is no name of a credential helper`);
  }
  const command = commandOf(name);
  const ran = await execa(command, [word], { input, reject: false });
  if (ran.exitCode === 0) return ran.stdout;
  const [said = ''] = (ran.stdout || ran.stderr || ran.shortMessage || '').trim().split('\n');
  if (said === NONE) return null;
  const what = ran.code === 'ENOENT' ? 'is not on PATH' : `has failed: ${said.slice(0, 200)}`;
  throw new ImageError(command, what, { remedy: `install it, or take it out of ${where}` });
}

function readAnswer(text: string, command: string): { Username: string; Secret: string } {
  try {
    const answer = JSON.parse(text) as Record<'Username' | 'Secret', unknown>;
    const { Username, Secret } = answer;
    if (typeof Username === 'string' && typeof Secret === 'string') return { Username, Secret };
  } catch {
    // Not passed on: the message would have the answer in it, and so the secret.
  }
  throw new ImageError(command, 'its answer is no JSON with Username and Secret');
}
