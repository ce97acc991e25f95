/**
 * A root filesystem as a value: which directories, copies of host files, links and texts it
 * consists of. Each command becomes /bin/NAME; each shared object goes to the path at which the
 * loader found it on the host, since the same loader will look for it there again.
 *
 * - `outlineRootfs(options)`: all but the shared objects; needs no `ldd`, so it is quick.
 * - `planRootfs(outline)`: the outline with the shared objects.
 *
 * See hier(7), ld.so(8).
 */
import { access } from 'node:fs/promises';
import { basename, dirname, join, normalize } from 'node:path';
import { sharedObjectsOf } from './dependencies.ts';
import {
  HOST_COMMANDS,
  type HostCommand,
  locateCommands,
  type MissingCommand,
} from './host-commands.ts';
import { identityFiles, type TextFile } from './identity-files.ts';
import { RootfsError } from './rootfs-error.ts';

export type RootfsOptions = {
  /** Names of host commands; HOST_COMMANDS unless given. */
  commands?: readonly string[];
  /** Fields of /etc/os-release, added to the root's own or replacing them. */
  osRelease?: Readonly<Record<string, string>>;
  /** Further names in /bin, for a program that does what it is called by. */
  aliases?: Readonly<Record<string, string>>;
};

/** Paths inside the root are absolute, as a process in it will write them. */
export type RootfsPlan = {
  commands: string[];
  missing: MissingCommand[];
  objects: string[];
  directories: { at: string; mode: number }[];
  copies: { from: string; at: string }[];
  links: { at: string; to: string }[];
  texts: TextFile[];
};

const DIRECTORIES = [
  { at: '/bin', mode: 0o755 },
  { at: '/dev', mode: 0o755 },
  { at: '/etc', mode: 0o755 },
  { at: '/proc', mode: 0o555 },
  { at: '/root', mode: 0o700 },
  { at: '/sys', mode: 0o555 },
  { at: '/tmp', mode: 0o1777 },
  { at: '/usr', mode: 0o755 },
];

// Programs call each other by the paths of their distribution, /usr/bin/env above all.
const LINKS = [
  { at: '/sbin', to: 'bin' },
  { at: '/usr/bin', to: '../bin' },
  { at: '/usr/sbin', to: '../bin' },
];

/**
 * Says what the root will hold besides shared objects. Absent commands are listed as missing.
 * Throws RootfsError if none of the commands is there.
 */
export async function outlineRootfs(options: RootfsOptions = {}): Promise<RootfsPlan> {
  const { found, missing } = await locateCommands(options.commands ?? HOST_COMMANDS);
  const [first] = missing;
  if (found.length === 0 && first !== undefined) {
    throw new RootfsError(
      first.name,
      `no command to build a root filesystem from: ${first.name}: ${first.reason}; check PATH`,
    );
  }
  const { copies, links } = placeCommands(found);
  const taken = new Set([...copies, ...links].map(({ at }) => at));
  const aliases = Object.entries(options.aliases ?? {})
    .map(([name, to]) => ({ at: `/bin/${name}`, to }))
    .filter(({ at }) => !taken.has(at));
  return {
    commands: found.map(({ name }) => name),
    missing,
    objects: [],
    directories: DIRECTORIES,
    copies,
    links: [...LINKS, ...links, ...aliases],
    texts: identityFiles(options.osRelease),
  };
}

/** Adds the shared objects of everything in the outline. Throws what `sharedObjectsOf` throws. */
export async function planRootfs(outline: RootfsPlan): Promise<RootfsPlan> {
  const needed = await collectObjects(outline.copies.map(({ from }) => from));
  // getent and ping resolve names through modules that libc loads by itself, so no listing has them.
  const libc = [...needed.values()].find((path) => basename(path) === 'libc.so.6');
  if (libc !== undefined) {
    for (const module of ['libnss_files.so.2', 'libnss_dns.so.2']) {
      const path = join(dirname(libc), module);
      if (!(await exists(path))) continue;
      needed.set(path, path);
      for (const [at, from] of await collectObjects([path])) needed.set(at, from);
    }
  }
  const objects = [...needed.keys()].sort();
  const copies = objects.map((at) => ({ from: needed.get(at) as string, at }));
  // Outside its default directories a loader finds a library only by its list of the others.
  if (objects.some((at) => !DEFAULT_LIBRARY_PATH.test(at))) {
    const musl = objects.flatMap((at) => /\/(ld-musl-[^/]+)\.so\.1$/.exec(at)?.[1] ?? []);
    for (const at of ['/etc/ld.so.cache', ...musl.map((loader) => `/etc/${loader}.path`)]) {
      if (await exists(at)) copies.push({ from: at, at });
    }
  }
  return { ...outline, objects, copies: [...outline.copies, ...copies] };
}

const DEFAULT_LIBRARY_PATH = /^(\/usr)?\/lib(32|64)?(\/[a-z0-9_]+-linux-[a-z]+)?\/[^/]+$/;

/** One copy per file; further names of a multi-call program, and sh where bash is, are links. */
function placeCommands(found: readonly HostCommand[]): Pick<RootfsPlan, 'copies' | 'links'> {
  const hasBash = found.some(({ name }) => name === 'bash');
  const namesBySource = new Map<string, string[]>();
  const links: RootfsPlan['links'] = [];
  for (const { name, source } of found) {
    if (name === 'sh' && hasBash) links.push({ at: '/bin/sh', to: 'bash' });
    else namesBySource.set(source, [...(namesBySource.get(source) ?? []), name]);
  }
  const copies = [...namesBySource].map(([from, names]) => {
    const [only, ...others] = names;
    const file = others.length === 0 ? (only as string) : basename(from);
    for (const name of names) {
      if (name !== file) links.push({ at: `/bin/${name}`, to: file });
    }
    return { from, at: `/bin/${file}` };
  });
  return { copies, links };
}

/** Where each object has to be in the root, and the host's file for it. */
async function collectObjects(binaries: readonly string[]): Promise<Map<string, string>> {
  const needed = new Map<string, string>();
  const waiting = [...binaries];
  // Each ldd is a shell script that starts several processes: a few at a time.
  const work = async () => {
    for (let binary = waiting.pop(); binary !== undefined; binary = waiting.pop()) {
      for (const { name, path } of await sharedObjectsOf(binary)) {
        needed.set(normalize(path), path);
        if (name.startsWith('/')) needed.set(normalize(name), path);
      }
    }
  };
  try {
    await Promise.all([work(), work(), work(), work()]);
  } finally {
    // Where one fails, the others stop as well.
    waiting.length = 0;
  }
  return needed;
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
