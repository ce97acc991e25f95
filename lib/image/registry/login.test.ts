import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { itNeeds } from '../../observe/it-needs.ts';
import { readCredentials } from './credentials.ts';
import { forgetCredentials, keepCredentials, tryCredentials } from './login.ts';
import { startRegistry } from './registry.fixture.ts';
import { startTokenServer } from './token-server.fixture.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'unboxed-login-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const someone = { username: 'someone', password: 'secret' };
const wrong = { username: 'someone', password: 'other' };
const read = () => JSON.parse(readFileSync(join(directory, 'config.json'), 'utf8'));

itNeeds(
  ['command:docker-registry', 'command:openssl'],
  'a registry with a token server takes the right password and no other',
  async () => {
    await using tokens = await startTokenServer();
    await using registry = await startRegistry({ auth: tokens.auth });
    await tryCredentials(registry.host, someone);
    const refused = tryCredentials(registry.host, wrong);
    await expect(refused).rejects.toMatchObject({ kind: 'unauthorized' });
    expect(tokens.asked[0]).toEqual({ scopes: [], account: 'someone' });
  },
);

describe('the file', () => {
  it('is for its owner alone, and keeps what else is in it', async () => {
    const before = { auths: { 'other:5000': { auth: 'eA==' } }, psFormat: 'x' };
    writeFileSync(join(directory, 'config.json'), JSON.stringify(before), { mode: 0o644 });
    await keepCredentials('127.0.0.1:5000', someone, directory);
    expect(statSync(join(directory, 'config.json')).mode & 0o777).toBe(0o600);
    expect(read()).toMatchObject(before);
    expect(await readCredentials('127.0.0.1:5000', directory)).toEqual(someone);
  });

  it('calls Docker Hub as other clients do, and forgets it under each of its names', async () => {
    await keepCredentials('docker.io', someone, directory);
    expect(Object.keys(read().auths)).toEqual(['https://index.docker.io/v1/']);
    expect(await readCredentials('docker.io', directory)).toEqual(someone);
    expect(await forgetCredentials('docker.io', directory)).toBe(true);
    expect(read().auths).toEqual({});
    expect(await forgetCredentials('docker.io', directory)).toBe(false);
  });
});

it('a helper that the file names is told, and the file holds no secret', async () => {
  const program = '#!/bin/sh\necho "$1" >> "$KEPT"\ncat >> "$KEPT"\n';
  const path = join(directory, 'docker-credential-unboxed');
  writeFileSync(path, program);
  chmodSync(path, 0o755);
  writeFileSync(join(directory, 'config.json'), '{"credsStore":"unboxed"}');
  const { PATH } = process.env;
  process.env.PATH = `${directory}:${PATH}`;
  process.env.KEPT = join(directory, 'kept');
  try {
    await keepCredentials('a.example', someone, directory);
    await forgetCredentials('a.example', directory);
  } finally {
    process.env.PATH = PATH;
    delete process.env.KEPT;
  }
  expect(readFileSync(join(directory, 'kept'), 'utf8')).toBe(
    'store\n{"ServerURL":"a.example","Username":"someone","Secret":"secret"}erase\na.example',
  );
  expect(read()).toEqual({ credsStore: 'unboxed' });
});
