/**
 * A bundle becomes a launch program, and what the host does while it waits. draft.ts shows the order.
 * Pure as far as the machine is not asked what is where: nothing is made, nothing is started.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  AT_FDCWD,
  MNT_DETACH,
  MOUNT_ATTR_RDONLY,
  MS_BIND,
  MS_MOVE,
  MS_PRIVATE,
  MS_REC,
  MS_SHARED,
  MS_SLAVE,
  MS_UNBINDABLE,
  O_CLOEXEC,
  O_RDWR,
  PR_SET_NO_NEW_PRIVS,
} from '../kernel/constants.ts';
import { encodeMountAttr } from '../kernel/structs.ts';
import { type Calls, launch, type Program, type Result } from '../launch/program.ts';
import { readMountinfo } from '../observe/mountinfo.ts';
import { type CgroupDoors, enterDoors } from './cgroup-doors.ts';
import type { CgroupView } from './cgroup-mount.ts';
import { makeDevices, openDevices } from './devices.ts';
import type { Bundle, Draft, Part } from './draft.ts';
import { homeOf } from './home.ts';
import { type Ground, makePlace } from './in-root.ts';
import { joinKeyring } from './keyring.ts';
import { mountLabelOption, openLabel } from './labels.ts';
import { propagationOf } from './mount-options.ts';
import {
  attachMounts,
  type CopyUp,
  leaveMounts,
  type MountNeeds,
  openBinds,
  openMounts,
  planMounts,
} from './mounts.ts';
import {
  becomeRoot,
  enterNamespaces,
  finishNamespaces,
  type NamespacePlan,
  planNamespaces,
} from './namespaces.ts';
import { OciError } from './oci-error.ts';
import { leaveOwnProgram } from './own-program.ts';
import { isInUserNamespace } from './privilege.ts';
import { becomeUser, environmentOf, execute, setPersonality } from './process.ts';
import { type RootView, viewRoot } from './root-view.ts';
import { coverPaths, openMasks } from './rootfs-views.ts';
import { loadSeccomp, notifies } from './seccomp.ts';
import type { Process, Spec } from './spec.ts';
import { writeSysctl } from './sysctl.ts';
import { openTerminal } from './terminal.ts';

export interface CompileOptions {
  id: string;
  /** The start FIFO, on the host. */
  fifo: string;
  cgroups: CgroupView;
  /** Into its cgroup; without, it stays where we are. */
  doors?: CgroupDoors;
  preserveFds: number;
  /** chroot in place of pivot_root: for a root that is the initial ramfs. */
  noPivot: boolean;
  /** Keeps the caller's session keyring. */
  noNewKeyring: boolean;
  /** Mounts whose ids the host has mapped, by their index. */
  mapped?: ReadonlyMap<number, number>;
}

/** What the container's program becomes, for whoever has to find it. */
export interface Compiled {
  program: Program;
  namespaces: NamespacePlan;
  /** In a user namespace: its limits are the host's to set. */
  confined: boolean;
  /** Host's half at the gate `copy-up`. */
  copyUps: readonly CopyUp[];
  /** The descriptor of the terminal's master in the child, at the gate `terminal`. */
  terminal: Result | null;
  /** Of the seccomp filter's listener, at the gate `created`. */
  listener: Result | null;
  env: Readonly<Record<string, string>>;
}

export type GateName = 'namespaces' | 'copy-up' | 'terminal' | 'hooks' | 'created';

/** Throws OciError for what cannot be carried out here. */
export function compileBundle(bundle: Bundle, options: CompileOptions): Compiled {
  const { spec } = bundle;
  const { process: ran, root } = spec;
  if (!ran?.args?.length) throw new OciError('process.args: nothing to run; name a program');
  if (!root) throw new OciError('root: where is the root? give root.path');
  const namespaces = planNamespaces(spec);
  const kinds = [...namespaces.fresh, ...namespaces.joined.map(({ kind }) => kind)];
  if (!kinds.includes('mount')) {
    throw new OciError('linux.namespaces: mount is missing, without it its mounts would be ours');
  }
  const entersUser = kinds.includes('user');
  const confined = entersUser || isInUserNamespace();
  const rootfs = resolve(bundle.directory, root.path);
  const view = viewRoot(rootfs);
  let copyUps: readonly CopyUp[] = [];
  let terminal: Result | null = null;
  let listener: Result | null = null;
  let env: Record<string, string> = {};

  const { doors } = options;
  const program = launch({ namespaces: namespaces.cloned, cgroup: doors?.v2 }, (call) => {
    const draft: Draft = { call, id: options.id, bundle, spec, confined };
    leaveOwnProgram(call, confined, options.preserveFds);
    const fifo = call.openat(AT_FDCWD, options.fifo, O_RDWR | O_CLOEXEC);
    enterNamespaces(call, namespaces);
    enterDoors(call, doors);
    call.gate('namespaces');
    let label: Part;
    if (namespaces.fresh.includes('mount')) {
      const made = makeRoot(draft, { view, rootfs, namespaces, options });
      copyUps = made.copyUps;
      terminal = made.terminal;
      label = made.label;
    } else {
      if (namespaces.fresh.includes('user')) becomeRoot(call);
      finishNamespaces(call, namespaces);
      writeSysctl(draft);
      label = openLabel(draft);
    }
    nameHost(call, spec);
    if (!options.noNewKeyring) joinKeyring(call, options.id, 'made');
    setPersonality(call, spec.linux?.personality);
    env = withHome(ran, view);
    const { preserveFds } = options;
    const execution = { process: ran, env, confined, entersUser, preserveFds };
    becomeUser(call, execution);
    const early = notifies(spec.linux?.seccomp);
    if (early) {
      // The listener is handed on by `create`.
      if (ran.noNewPrivileges) call.prctl(PR_SET_NO_NEW_PRIVS, 1);
      listener = loadSeccomp(draft);
    }
    call.gate('created');
    call.read(fifo, new Uint8Array(1));
    execute(call, execution, {
      seccomp: () => void (early || loadSeccomp(draft)),
      label: () => label(draft),
    });
  });
  return { program, namespaces, confined, copyUps, terminal, listener, env };
}

interface RootNeeds {
  view: RootView;
  rootfs: string;
  namespaces: NamespacePlan;
  options: CompileOptions;
}

function makeRoot(draft: Draft, { view, rootfs, namespaces, options }: RootNeeds) {
  const { call, spec } = draft;
  const propagation = rootPropagation(spec);
  // Of what cannot be bound neither the root nor a volume could be: that comes at the end.
  const first = propagation?.type === MS_UNBINDABLE ? MS_PRIVATE : propagation?.type;
  call.mount(null, '/', null, MS_REC | (first ?? MS_SLAVE));
  const needs: MountNeeds = {
    draft,
    view,
    label: mountLabelOption(spec),
    cgroups: options.cgroups,
    mapped: options.mapped ?? new Map(),
    top: rootfs,
  };
  const planned = planMounts(needs);
  const binds = openBinds(needs, planned);
  const devices = openDevices(draft);
  if (propagation?.type === MS_SHARED) {
    // What is bound is a peer of the host's now. The rest must not be: with it the host's own would
    // be unmounted.
    call.mount(null, '/', null, MS_REC | MS_SLAVE);
    call.mount(null, mountOf(rootfs), null, MS_PRIVATE);
  }
  call.mount(rootfs, rootfs, null, MS_BIND | MS_REC);
  call.chdir(rootfs);
  // Of what is bound we may have seen more than root in there may: until here, not further.
  if (namespaces.fresh.includes('user')) becomeRoot(call);
  finishNamespaces(call, namespaces);
  writeSysctl(draft);
  const label = openLabel(draft);
  const { opened, copyUps } = openMounts(needs, planned, binds);
  if (copyUps.length > 0) call.gate('copy-up');
  const masks = openMasks(draft, view);
  if (spec.hooks?.createContainer?.length) call.gate('hooks');
  if (options.noPivot) {
    moveRoot(call, rootfs);
  } else {
    call.pivotRoot('.', '.');
    call.umount2('.', MNT_DETACH);
  }
  call.chdir('/');
  call.umask(0);
  const ground = attachMounts(call, opened);
  makeDevices(draft, view, devices, ground);
  const terminal = spec.process?.terminal ? openTerminal(draft, view, ground) : null;
  if (!spec.process?.terminal) call.setsid();
  makeWorkingDirectory(draft, view, ground);
  coverPaths(draft, view, masks, ground);
  leaveMounts(call, ground);
  if (propagation) {
    call.mount(null, '/', null, propagation.type | (propagation.recursive ? MS_REC : 0));
  }
  if (spec.root?.readonly) {
    call.mountSetattr(AT_FDCWD, '/', 0, encodeMountAttr({ set: MOUNT_ATTR_RDONLY }));
  }
  return { copyUps, terminal, label };
}

/** Engines count on it where the image lacks it, as runc makes it. */
function makeWorkingDirectory({ call, spec }: Draft, view: RootView, ground: Ground): void {
  const { cwd } = spec.process ?? {};
  const place = cwd ? view.resolve(cwd) : null;
  if (place?.kind === 'missing') makePlace(call, place, 'directory', ground);
}

function rootPropagation({ linux }: Spec) {
  const word = linux?.rootfsPropagation;
  if (!word) return null;
  const propagation = propagationOf(word);
  if (propagation) return propagation;
  throw new OciError(
    `linux.rootfsPropagation: ${word} is none of private, shared, slave, unbindable`,
  );
}

/** For a root that is no mount of its own, as in an initial ramfs. switch_root(8) */
function moveRoot(call: Calls, rootfs: string): void {
  call.mount(rootfs, '/', null, MS_MOVE);
  call.chroot('.');
}

/** The mount that a path is on. */
function mountOf(path: string): string {
  const points = readMountinfo().map(({ mountPoint }) => mountPoint);
  const above = points.filter((point) => point === '/' || `${path}/`.startsWith(`${point}/`));
  return above.toSorted((a, b) => b.length - a.length)[0] ?? '/';
}

function nameHost(call: Calls, { hostname, domainname }: Spec): void {
  if (hostname) call.sethostname(hostname);
  if (domainname) call.setdomainname(domainname);
}

function withHome({ env, user }: Process, view: RootView): Record<string, string> {
  const given = environmentOf(env);
  if (given.HOME) return given;
  const { below } = view.resolve('/etc/passwd');
  return { ...given, HOME: below ? homeOf(user?.uid ?? 0, below.top, below.path) : '/' };
}

/** Throws OciError for a bundle without a configuration, or one that is no JSON. */
export function readConfiguration(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const what = code === 'ENOENT' ? 'no such file; a bundle has a config.json' : message;
    throw new OciError(`${path}: ${what}`, { cause });
  }
}
