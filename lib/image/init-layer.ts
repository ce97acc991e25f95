/**
 * The layer between an image and what a container writes. A container's names, resolver and devices
 * are mounted into it, and a mount needs a file or directory to lie on. These mount points are no
 * part of the image and no change of the container: they have a layer of their own, which is never
 * committed and never shown.
 *
 *     image layers · init layer · read-write layer
 *
 * - `INIT_ENTRIES`: what is in it.
 * - `makeInitLayer`: makes it for a stack of lowers.
 * - `initLayer`: a plainer one as a host action, with the texts themselves in it.
 */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { posix } from 'node:path';
import type { Action } from '../host/action.ts';
import { withHost } from '../host/with-host.ts';
import { overlayAction } from '../overlay/mount.ts';
import { plainOptions, usableForm } from '../overlay/plan.ts';
import { makeInRoot, nameInRoot } from './in-root.ts';

export interface InitEntry {
  path: string;
  /** A directory, an empty file, or a link to this path. */
  is: 'directory' | 'file' | { link: string };
}

export const INIT_ENTRIES: readonly InitEntry[] = [
  { path: '/dev/pts', is: 'directory' },
  { path: '/dev/shm', is: 'directory' },
  { path: '/dev/console', is: 'file' },
  { path: '/proc', is: 'directory' },
  { path: '/sys', is: 'directory' },
  { path: '/etc/hosts', is: 'file' },
  { path: '/etc/hostname', is: 'file' },
  { path: '/etc/resolv.conf', is: 'file' },
  { path: '/etc/mtab', is: { link: '/proc/mounts' } },
];

export interface InitLayerOptions {
  /** The image's layers, the topmost first; may be none. */
  lowers: readonly string[];
  /** An existing directory, in which `diff`, `work` and `empty` are made. */
  directory: string;
  /** Names the run that mounts it for a moment. */
  run: string;
  /** Where that run is journalled. */
  state?: string | undefined;
}

/**
 * Makes the layer and returns its `diff` directory. It is made through an overlay, so that a
 * directory that the image has keeps its mode and owner. Throws HostError, ImageError.
 */
export async function makeInitLayer(options: InitLayerOptions): Promise<string> {
  const { lowers, directory, run, state } = options;
  const [diff, work, empty] = ['diff', 'work', 'empty'].map((name) => `${directory}/${name}`) as [
    string,
    string,
    string,
  ];
  for (const path of [diff, work, empty]) mkdirSync(path);
  await withHost(run, state, async (host) => {
    const target = `${host.directory}/merged`;
    await host.do({
      name: 'mount point',
      does: [{ do: 'mkdir', path: target }],
      undoes: [],
      seen: { path: target },
    });
    const stack = lowers.length > 0 ? lowers : [empty];
    const overlay = {
      lowers: stack,
      upper: diff,
      work,
      target,
      options: plainOptions(usableForm()),
    };
    await host.do(overlayAction(overlay));
    for (const entry of INIT_ENTRIES) makeEntry(target, entry);
  });
  return diff;
}

function makeEntry(root: string, { path, is }: InitEntry): void {
  if (is === 'directory') return void makeInRoot(root, path);
  makeInRoot(root, posix.dirname(path));
  const at = nameInRoot(root, path);
  if (at === null) throw new Error(`${path}: its directory was just made`);
  // A link of the image would have the mount lie somewhere else.
  rmSync(at, { force: true, recursive: true });
  if (is === 'file') writeFileSync(at, '', { flag: 'wx', mode: 0o644 });
  else symlinkSync(is.link, at);
}

export interface InitLayer {
  /** The layer's directory. */
  diff: string;
  action: Action;
}

/**
 * A layer below `directory` that holds a container's own texts at their places in /etc: what to call
 * itself, whom to ask for names. Nothing has to be mounted on them, and whatever is changed in them
 * is copied up like any other file.
 */
export function initLayer(
  directory: string,
  { hostname, address, nameserver }: { hostname: string; address: string; nameserver: string },
): InitLayer {
  const diff = `${directory}/init`;
  const texts = {
    hosts: `127.0.0.1\tlocalhost\n${address}\t${hostname}\n`,
    hostname: `${hostname}\n`,
    'resolv.conf': `nameserver ${nameserver}\noptions timeout:1 attempts:2\n`,
  };
  const action: Action = {
    name: `init layer ${diff}`,
    does: [
      { do: 'mkdir', path: `${diff}/etc` },
      ...Object.entries(texts).map(
        ([name, text]) => ({ do: 'write', path: `${diff}/etc/${name}`, text }) as const,
      ),
    ],
    undoes: [{ do: 'remove', path: diff }],
    seen: { path: diff },
  };
  return { diff, action };
}
