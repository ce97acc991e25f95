/**
 * The options that stand before a command.
 */
import type { Command } from 'commander';
import { OciError } from '../../oci/oci-error.ts';

export interface Globals {
  root: string;
  log?: string;
  logFormat: string;
  debug?: boolean;
  systemdCgroup?: boolean;
  cgroupManager: string;
}

/** A directory that goes with the machine's next boot; without root, the user's own. */
export function defaultRoot(): string {
  const { XDG_RUNTIME_DIR } = process.env;
  const uid = process.geteuid?.() ?? 0;
  if (uid === 0) return '/run/box-runtime';
  return XDG_RUNTIME_DIR ? `${XDG_RUNTIME_DIR}/box-runtime` : `/tmp/box-runtime-${uid}`;
}

/** Throws OciError for one that asks for what is not here. */
export function globalsOf(command: Command): Globals {
  const globals = command.optsWithGlobals<Globals>();
  if (globals.systemdCgroup || globals.cgroupManager === 'systemd') {
    throw new OciError('systemd cgroups are not made here: leave --systemd-cgroup out');
  }
  if (!['cgroupfs', 'disabled'].includes(globals.cgroupManager)) {
    throw new OciError(`--cgroup-manager ${globals.cgroupManager}: allowed are cgroupfs, disabled`);
  }
  return globals;
}
