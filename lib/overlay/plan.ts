/**
 * Which directories a container's root is made of: those below are shared by all that are made from
 * them, what the container writes is its own.
 *
 *     DIRECTORY/upper    what it has changed
 *     DIRECTORY/work     the kernel's
 *     DIRECTORY/merged   where both are seen as one, in the container's mount table alone
 *
 * - `planLayers`: the directories, by name; nothing is made.
 * - `makeLayers`: the host's action that makes them.
 */
import { readFileSync } from 'node:fs';
import type { Action } from '../host/action.ts';
import type { OverlayLayers, OverlayOptions } from './options.ts';
import type { Form } from './whiteout.ts';

/** Can be handed to `optionString` and, with `target`, to `mountOverlay`. */
export interface LayerPlan extends OverlayLayers {
  /** Holds the others; the container's alone. */
  directory: string;
  upper: string;
  work: string;
  merged: string;
  options: OverlayOptions;
}

/** `lowers` are the topmost first. */
export const planLayers = (
  directory: string,
  lowers: readonly string[],
  form: Form = usableForm(),
): LayerPlan => ({
  directory,
  lowers,
  upper: `${directory}/upper`,
  work: `${directory}/work`,
  merged: `${directory}/merged`,
  options: plainOptions(form),
});

/** The upper is the container's root directory: everybody may pass through it. */
export const makeLayers = ({ directory, upper, work, merged }: LayerPlan): Action => ({
  name: `layers ${directory}`,
  does: [upper, work, merged].map((path) => ({ do: 'mkdir', path, mode: 0o755 })),
  undoes: [{ do: 'remove', path: directory }],
  seen: { path: directory },
});

/** Options under which an upper directory holds all of a change, whatever this kernel's defaults. */
export const plainOptions = (form: Form): OverlayOptions =>
  form === 'user'
    ? { userxattr: true, redirectDir: 'nofollow', index: false, metacopy: false }
    : { redirectDir: 'off', index: false, metacopy: false };

/**
 * Whose attributes this process may write: `trusted` ones are the machine's root's. Whoever is root
 * in a user namespace has a map of user ids that does not cover all of them. user_namespaces(7)
 */
export function usableForm(): Form {
  const map = readFileSync('/proc/self/uid_map', 'utf8').trim().split(/\s+/).join(' ');
  return process.geteuid?.() === 0 && map === '0 0 4294967295' ? 'trusted' : 'user';
}
