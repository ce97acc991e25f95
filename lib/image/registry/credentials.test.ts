import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
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
