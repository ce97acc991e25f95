/**
 * A registry of a few packages behind a certificate that nobody else trusts: a directory of
 * tarballs, by https. `node registry.fixture.ts DIRECTORY ADDRESS PORT`, with key.pem and cert.pem in the
 * directory and index.json, which lists the packages; it says "ready" when it listens.
 */
import { createReadStream, readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import type { Packed } from './provision-check.ts';

const [directory = '', address = '', port = ''] = process.argv.slice(2);
const base = `https://${address}:${port}`;
const packages: Packed[] = JSON.parse(readFileSync(join(directory, 'index.json'), 'utf8'));
const file = (name: string) => readFileSync(join(directory, name));

createServer({ key: file('key.pem'), cert: file('cert.pem') }, (request, response) => {
  const path = decodeURIComponent(new URL(request.url ?? '/', base).pathname).slice(1);
  const [name = '', tarball] = path.split('/-/');
  const found = packages.filter((each) => each.name === name);
  const wanted = found.find((each) => tarball === fileOf(each));
  if (wanted) createReadStream(join(directory, wanted.filename)).pipe(response);
  else if (found.length > 0 && tarball === undefined) response.end(JSON.stringify(document(found)));
  else response.writeHead(404).end();
}).listen(Number(port), address, () => console.log('ready'));

/** As registries name it: without the scope. */
function fileOf({ name, version }: Packed): string {
  return `${name.replace(/^@[^/]+\//, '')}-${version}.tgz`;
}

function document(found: Packed[]) {
  const versions = found.map((each) => {
    const tarball = `${base}/${each.name}/-/${fileOf(each)}`;
    const { name, version, integrity } = each;
    return [version, { name, version, dist: { tarball, integrity } }];
  });
  return { name: found[0]?.name, 'dist-tags': {}, versions: Object.fromEntries(versions) };
}
