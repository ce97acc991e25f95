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
  if (!/^[\w.-]+$/.test(name)) {
    throw new ImageError(where, `${JSON.stringify(name)} is no name of a credential helper`);
  }
  const command = `docker-credential-${name}`;
  const ran = await execa(command, ['get'], { input: server, reject: false });
  if (ran.exitCode !== 0) {
    const [said = ''] = (ran.stdout || ran.stderr || ran.shortMessage || '').trim().split('\n');
    if (said === NONE) return null;
    const missing = ran.code === 'ENOENT';
    throw new ImageError(
      command,
      missing ? 'is not on PATH' : `has failed: ${said.slice(0, 200)}`,
      {
        remedy: `install it, or take it out of ${where}`,
      },
    );
  }
  const { Username: username, Secret: secret } = readAnswer(ran.stdout, command);
  return username === TOKEN ? { identityToken: secret } : { username, password: secret };
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
