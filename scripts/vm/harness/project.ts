/**
 * The project as the guest's second disk: a tar archive without a filesystem around it, of what
 * stands in the checkout now, and of the command to run there.
 */
import { mkdir, mkdtemp, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

const LEFT_OUT = ['node_modules', '.git', '.vagrant', 'my'];
const SECTOR = 512;

export interface GuestCommand {
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
  /** Files below the checkout that git does not know, and that are wanted all the same. */
  built?: readonly string[];
}

/** Writes the archive to `path`. */
export async function packProject(
  root: string,
  command: GuestCommand,
  path: string,
): Promise<void> {
  const files = [...(await listProject(root)), ...(command.built ?? [])];
  await execa('tar', ['-cf', path, '-C', root, '--null', '-T', '-'], { input: files.join('\0') });
  const directory = await mkdtemp(join(tmpdir(), 'unboxed-guest-run-'));
  try {
    const run = join(directory, '.guest-run');
    await mkdir(run);
    await writeFile(join(run, 'command'), `exec ${command.argv.map(quote).join(' ')}\n`);
    const lines = Object.entries(command.env).map(([name, value]) => `${name}=${quote(value)}`);
    await writeFile(join(run, 'environment'), lines.map((line) => `export ${line}\n`).join(''));
    await execa('tar', ['-rf', path, '-C', directory, '.guest-run']);
  } finally {
    await rm(directory, { recursive: true });
  }
  // A disk ends on a sector.
  const { size } = await stat(path);
  await truncate(path, Math.ceil(size / SECTOR) * SECTOR);
}

/** What git knows or would know; everything but what is made here where there is no git. */
async function listProject(root: string): Promise<string[]> {
  const known = await execa(
    'git',
    ['-C', root, 'ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate'],
    { reject: false },
  );
  const names = known.exitCode === 0 ? known.stdout.split('\0').filter(Boolean) : await walk(root);
  const there = await Promise.all(
    names.map((name) =>
      stat(join(root, name)).then(
        (found) => found.isFile(),
        () => false,
      ),
    ),
  );
  return names.filter((_, index) => there[index]);
}

async function walk(root: string): Promise<string[]> {
  const top = await readdir(root, { withFileTypes: true });
  const names: string[] = [];
  for (const entry of top) {
    if (LEFT_OUT.includes(entry.name)) continue;
    if (!entry.isDirectory()) names.push(entry.name);
    else {
      const below = await readdir(join(root, entry.name), { recursive: true });
      names.push(
        ...below
          .filter((name) => !name.includes('node_modules'))
          .map((name) => join(entry.name, name)),
      );
    }
  }
  return names;
}

const quote = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;
