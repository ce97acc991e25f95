/**
 * The rooms under lib/ import downward only, and one of them alone knows the foreign function
 * interface. Tests and their fixtures may look around.
 */
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

/** From the bottom up: a room may import those before it. */
const ROOMS = [
  'kernel',
  'observe',
  'launch',
  'host',
  'rootfs',
  'namespaces',
  'network',
  'cgroups',
  'overlay',
  'image',
  'container',
  'oci',
  'cli',
  'lab',
];

const root = fileURLToPath(new URL('..', import.meta.url));
const files = globSync(['lib/**/*.ts', 'labs/**/*.ts', 'scripts/**/*.ts'], { cwd: root })
  .filter((path) => !/\.(test|fixture|d)\.ts$/.test(path))
  .map((path) => ({ path, text: readFileSync(`${root}${path}`, 'utf8') }));

const importsOf = (text: string) =>
  [...text.matchAll(/(?:from|import\() ?'([^']+)'/g)].map(([, source = '']) => source);

const roomOf = (path: string) => path.split('/')[1] ?? '';

it('every file under lib is in a room', () => {
  const astray = files.filter(
    ({ path }) => path.startsWith('lib/') && !ROOMS.includes(roomOf(path)),
  );
  expect(astray.map(({ path }) => path)).toEqual([]);
});

it('imports go down', () => {
  const upward = files.flatMap(({ path, text }) => {
    if (!path.startsWith('lib/')) return [];
    const own = ROOMS.indexOf(roomOf(path));
    return importsOf(text)
      .map((source) => ROOMS.indexOf(/^(?:\.\.\/)+([a-z]+)\//.exec(source)?.[1] ?? ''))
      .filter((room) => room > own)
      .map((room) => `${path} imports ${ROOMS[room]}`);
  });
  expect(upward).toEqual([]);
});

it('nothing under lib imports a lab', () => {
  const wrong = files.filter(
    ({ path, text }) =>
      path.startsWith('lib/') && importsOf(text).some((source) => source.includes('/labs/')),
  );
  expect(wrong.map(({ path }) => path)).toEqual([]);
});

it('koffi is named in one file', () => {
  const naming = files.filter(({ text }) => /['"]koffi['"]/.test(text)).map(({ path }) => path);
  expect(naming).toEqual(['lib/kernel/libc.ts']);
});
