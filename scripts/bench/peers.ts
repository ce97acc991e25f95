/**
 * The peers of a launch: runc and unshare on the same root filesystem, with the same namespaces and
 * the same program, where they are installed.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { findCommand } from '../../lib/observe/command.ts';

export type Peer = (() => Promise<void>) | null;

/** `runc run` of `/bin/true`; the bundle is made once, in `directory`. */
export async function prepareRunc(directory: string, rootfs: string): Promise<Peer> {
  if (!findCommand('runc')) return null;
  const bundle = join(directory, 'bundle');
  mkdirSync(bundle, { recursive: true });
  await execa('runc', ['spec'], { cwd: bundle });
  const { default: spec } = await import(join(bundle, 'config.json'), { with: { type: 'json' } });
  spec.root = { path: rootfs, readonly: false };
  spec.process = { ...spec.process, terminal: false, args: ['/bin/true'], rlimits: [] };
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(spec));
  let count = 0;
  return async () => {
    const id = `unboxed-bench-${process.pid}-${++count}`;
    await execa('runc', ['--root', join(directory, 'runc'), 'run', id], { cwd: bundle });
  };
}

/** util-linux: the same namespaces and a chroot, without a pivot. */
export function prepareUnshare(rootfs: string): Peer {
  if (!findCommand('unshare')) return null;
  const flags = ['--mount', '--pid', '--fork', '--uts', '--ipc', '--net'];
  return async () => {
    await execa('unshare', [...flags, `--root=${rootfs}`, '/bin/true']);
  };
}
