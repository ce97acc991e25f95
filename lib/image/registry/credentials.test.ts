import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readCredentials } from './credentials.ts';

const directory = mkdtempSync(join(tmpdir(), 'unboxed-docker-'));
afterAll(() => rmSync(directory, { recursive: true }));

const write = (text: string) => writeFileSync(join(directory, 'config.json'), text);
const auth = (text: string) => ({ auth: Buffer.from(text).toString('base64') });

it('are found as clients write them: by host, by address, by Docker Hub’s old name', async () => {
  const auths = {
    'https://index.docker.io/v1/': auth('hub:pass:word'),
    'localhost:5000': { username: 'plain', password: 'p' },
    'https://other.example/v2/': auth('other:x'),
    'token.example': { identitytoken: 't' },
  };
  write(JSON.stringify({ auths }));
  const read = (registry: string) => readCredentials(registry, directory);
  expect(await read('docker.io')).toEqual({ username: 'hub', password: 'pass:word' });
  expect(await read('localhost:5000')).toEqual({ username: 'plain', password: 'p' });
  expect(await read('other.example')).toEqual({ username: 'other', password: 'x' });
  expect(await read('token.example')).toEqual({ identityToken: 't' });
  expect(await read('localhost')).toBeNull();
});

it('are none where there is no file, and none without auths', async () => {
  expect(await readCredentials('docker.io', join(directory, 'nowhere'))).toBeNull();
  write('{}');
  expect(await readCredentials('docker.io', directory)).toBeNull();
});

it('in a damaged file are an error that names it, without what is in it', async () => {
  write('{"auths": secret');
  await expect(readCredentials('docker.io', directory)).rejects.toThrow(
    'config.json: not readable',
  );
  write('{"auths": {"docker.io": {"auth": "c2VjcmV0"}}}');
  const error = await readCredentials('docker.io', directory).catch((it: Error) => it);
  expect(String(error)).toContain('not base64 of name:password');
  expect(String(error)).not.toContain('secret');
});

describe('a credential helper', () => {
  const bin = mkdtempSync(join(tmpdir(), 'unboxed-helpers-'));
  const path = process.env.PATH;
  afterAll(() => rmSync(bin, { recursive: true }));
  beforeEach(() => {
    process.env.PATH = `${bin}:${path}`;
  });
  afterEach(() => {
    process.env.PATH = path;
  });

  /** It notes what it was asked, in the directory of the helpers. */
  function install(name: string, script: string): void {
    const asked = join(bin, `${name}.asked`);
    const text = `#!/bin/sh\n{ printf '%s ' "$@"; cat; } > ${asked}\n${script}\n`;
    writeFileSync(join(bin, `docker-credential-${name}`), text, { mode: 0o755 });
  }
  const asked = (name: string) => readFileSync(join(bin, `${name}.asked`), 'utf8');
  const answer = (Username: string, Secret: string) =>
    `echo '${JSON.stringify({ ServerURL: 'x', Username, Secret })}'`;
  const none = 'echo credentials not found in native keychain; exit 1';

  it('of a registry comes before that of all, and both before the file', async () => {
    install('own', answer('own', 'o:p'));
    install('all', answer('all', 'a'));
    write(
      JSON.stringify({
        auths: { 'own.example': auth('file:x'), 'other.example': auth('file:y') },
        credHelpers: { 'own.example': 'own' },
        credsStore: 'all',
      }),
    );
    expect(await readCredentials('own.example', directory)).toEqual({
      ...{ username: 'own', password: 'o:p' },
    });
    expect(asked('own')).toBe('get own.example');
    expect(await readCredentials('other.example', directory)).toMatchObject({ username: 'all' });
  });

  it('is asked for Docker Hub by the address that Docker gives it', async () => {
    install('hub', answer('<token>', 'an identity token'));
    write(JSON.stringify({ credsStore: 'hub' }));
    expect(await readCredentials('docker.io', directory)).toEqual({
      identityToken: 'an identity token',
    });
    expect(asked('hub')).toBe('get https://index.docker.io/v1/');
    write(JSON.stringify({ credHelpers: { 'index.docker.io': 'hub' } }));
    await readCredentials('docker.io', directory);
    expect(asked('hub')).toBe('get index.docker.io');
  });

  it('that has none leaves it to the file', async () => {
    install('empty', none);
    write(JSON.stringify({ auths: { 'a.example': auth('file:x') }, credsStore: 'empty' }));
    expect(await readCredentials('a.example', directory)).toMatchObject({ username: 'file' });
    expect(await readCredentials('b.example', directory)).toBeNull();
  });

  it('that is not there, fails or answers nonsense is named, and no secret', async () => {
    const told = async (name: string) => {
      write(JSON.stringify({ credsStore: name }));
      const error = await readCredentials('a.example', directory).catch((it: Error) => it);
      return String(error);
    };
    expect(await told('nonesuch')).toMatch(/docker-credential-nonesuch: is not on PATH; install/);
    install('locked', 'echo the keychain is locked; exit 1');
    expect(await told('locked')).toContain('has failed: the keychain is locked');
    install('nonsense', 'echo "{\\"Secret\\": hunter2}"');
    expect(await told('nonsense')).toContain('its answer is no JSON with Username and Secret');
    expect(await told('nonsense')).not.toContain('hunter2');
    expect(await told('../../bin/sh')).toContain('is no name of a credential helper');
  });
});
