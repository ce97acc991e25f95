/**
 * The shared objects that a program needs. A dynamic executable names only some of them; the
 * loader finds the rest by following each library's own list. Its tracing mode prints where it
 * found every one, and that listing is what `ldd` shows.
 *
 * - `sharedObjectsOf(binary)`: the listing, as values.
 * - `parseSharedObjects(listing, binary)`: the same from text at hand.
 *
 * See ldd(1), ld.so(8).
 */
import { type Elf, readExecutable } from './elf.ts';
import { RootfsError } from './rootfs-error.ts';

/** `name` is what the program asks for (a soname or a path), `path` where the loader found it. */
export type SharedObject = { name: string; path: string };

/**
 * Lists the shared objects, the loader among them, without which `binary` cannot start.
 * A static executable has none. Throws RootfsError for a script, a file that is no executable,
 * a library that this host lacks, a program for another machine, and a host without `ldd`.
 */
export async function sharedObjectsOf(binary: string): Promise<SharedObject[]> {
  const head = await readExecutable(binary);
  if (head.kind === 'script') {
    throw new RootfsError(
      binary,
      `${binary}: a script for ${head.interpreter}, not a binary; copy its interpreter instead`,
    );
  }
  if (!head.dynamic) return [];

  const objects = parseSharedObjects(await listSharedObjects(binary, head), binary);
  const { interpreter } = head;
  if (objects === 'static' && interpreter !== null) {
    throw new RootfsError(
      binary,
      `${binary}: needs the loader ${interpreter}, but ldd cannot run it: built for another machine?`,
    );
  }
  if (objects === 'static') return [];
  // The kernel opens the interpreter by exactly this path, whatever the listing calls it.
  if (interpreter !== null && !objects.some(({ name, path }) => [name, path].includes(interpreter)))
    objects.push({ name: interpreter, path: interpreter });
  return objects;
}

/**
 * Parses what glibc's or musl's ldd printed about `binary`; the vdso is no file and left out.
 * Returns 'static' where ldd says that nothing is loaded. Throws RootfsError for what is missing
 * or not understood.
 */
export function parseSharedObjects(listing: string, binary: string): SharedObject[] | 'static' {
  if (/not a dynamic executable|statically linked|Not a valid dynamic program/.test(listing))
    return 'static';
  const objects: SharedObject[] = [];
  for (const line of listing.split('\n').map((text) => text.trim())) {
    if (line === '' || /^linux-(vdso|gate)/.test(line)) continue;
    const missing = /^(\S+) => not found|^Error loading shared library ([^\s:]+):/.exec(line);
    if (missing) {
      const library = missing[1] ?? missing[2];
      throw new RootfsError(
        binary,
        `${binary}: needs ${library}, which this host's loader does not find; install it, ` +
          'or leave the command out',
      );
    }
    const found = /^(\S+)(?: => (\/.+?))? \(0x[0-9a-f]+\)$/.exec(line);
    const [, name, target] = found ?? [];
    const path = target ?? name;
    if (name === undefined || path === undefined || !path.startsWith('/')) {
      throw new RootfsError(
        binary,
        `${binary}: ldd's line is not understood: ${line}; leave the command out`,
      );
    }
    objects.push({ name, path });
  }
  return objects;
}

async function listSharedObjects(binary: string, { interpreter }: Elf): Promise<string> {
  // musl's loader is its own ldd, also where no ldd is installed or where it is glibc's.
  const [command, ...args] = /\/ld-musl-[^/]*$/.test(interpreter ?? '')
    ? [interpreter as string, '--list', binary]
    : ['ldd', binary];
  // A third of what a lab would load, for a question that is asked when a root is first made.
  const { execa } = await import('execa');
  const result = await execa(command as string, args, {
    all: true,
    reject: false,
    stdin: 'ignore',
    // A caller's library path would not hold inside the new root; messages are read in English.
    env: { LC_ALL: 'C', LD_LIBRARY_PATH: undefined, LD_PRELOAD: undefined },
  });
  if (result.code === 'ENOENT') {
    throw new RootfsError(
      binary,
      `${binary}: ${command} is not there to list its libraries; install it ` +
        '(glibc: package libc-bin or glibc-common, musl: musl-utils)',
      result,
    );
  }
  if (result.exitCode === undefined) {
    throw new RootfsError(binary, `${binary}: ${result.shortMessage}`, result);
  }
  return result.all;
}
