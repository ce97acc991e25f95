/**
 * What a pair of system call and error usually means, in one sentence of advice. Only pairs whose
 * meaning is not plain from the error's own text.
 */
import type { Argument } from './arguments.ts';
import { CLONE_NEWNS, CLONE_NEWUSER, MS_BIND, PR_SET_MM } from './constants.ts';
import type { Reference } from './format.ts';
import type { CallName } from './signatures.ts';

type Hint = string | ((args: readonly (Argument | Reference)[]) => string | undefined);

const root = 'this needs root, or a user namespace of its own';
const overlayRefused =
  'an option is unknown or excludes another, the upper lies on an overlay, or work is not beside it on the same mount; dmesg tells which';
const hasFlag = (flags: unknown, flag: number) =>
  typeof flags === 'number' && (flags & flag) >>> 0 === flag;

const hints: Partial<Record<`${CallName} ${string}`, Hint>> = {
  'mount EPERM': ([, , fstype]) =>
    fstype === 'proc' || fstype === 'sysfs'
      ? `${root}; in a user namespace a new ${fstype} also wants a pid (proc) or network (sysfs) namespace made in it, and no mount over the old one`
      : root,
  'mount EINVAL': ([, , fstype, flags]) => {
    if (fstype === 'overlay') return overlayRefused;
    return hasFlag(flags, MS_BIND) || flags === 0
      ? 'the source may be no mount point of this namespace, or an option is unknown to the file system'
      : 'propagation can only be changed on a mount point, and on nothing else in the same call';
  },
  'mount ENOENT': 'the target directory must exist inside the root that the process has by now',
  'mount ENODEV': 'this kernel has no such file system, or its module is not loaded',
  'pivotRoot EINVAL':
    'the new root must be a mount point, neither it nor the old root’s parent may be shared, and put_old must lie at or under it',
  'pivotRoot EBUSY': 'the new root must be another mount than the present root',
  'umount2 EINVAL': 'not a mount point of this mount namespace',
  'umount2 EBUSY':
    'something still has a file open or its working directory there; MNT_DETACH takes it out of the tree at once',
  'chroot EPERM': `${root} (CAP_SYS_CHROOT)`,
  'unshare EINVAL': ([flags]) =>
    hasFlag(flags, CLONE_NEWUSER)
      ? 'a process with several threads, as Node is, cannot enter a user namespace: make it a line of a launch program'
      : undefined,
  'setns EINVAL': ([, type]) =>
    hasFlag(type, CLONE_NEWNS)
      ? 'a process that shares its root directory with another (CLONE_FS) cannot change its mount namespace'
      : 'the descriptor is of another kind of namespace, or this process has several threads',
  'setns EPERM': 'joining needs CAP_SYS_ADMIN in the user namespace that owns the target',
  'bpf EPERM': 'this needs root (CAP_BPF and CAP_NET_ADMIN) in the machine’s own user namespace',
  'bpf ENOSYS': 'this kernel was built without CONFIG_BPF_SYSCALL',
  'clone3 EBUSY':
    'a cgroup that gives controllers to others below it (cgroup.subtree_control) cannot have processes itself',
  'clone3 EOPNOTSUPP':
    'the cgroup is of type "domain invalid" (cgroup.type): it lies in a threaded one',
  'clone3 EPERM': `${root}; unprivileged user namespaces may be switched off (npm run doctor tells)`,
  'clone3 ENOSPC': 'a limit of namespaces is reached: see /proc/sys/user/max_*_namespaces',
  'clone3 ENOSYS':
    'the kernel is older than 5.3, or a container engine’s seccomp filter hides clone3',
  'clone3 EAGAIN': 'too many processes: a pids cgroup limit or RLIMIT_NPROC is reached',
  'execve ENOENT': 'the file is not in this root, or its loader (ldd shows it) is not',
  'execve EACCES': 'the file has no execute bit, or its mount is noexec',
  'execve ENOEXEC': 'not a program for this machine, or a script without #!',
  'prlimit64 EPERM':
    'above the hard limit that is set already one needs CAP_SYS_RESOURCE, and RLIMIT_NOFILE never goes above /proc/sys/fs/nr_open',
  'sethostname EPERM': `${root} (CAP_SYS_ADMIN in the uts namespace’s owner)`,
  'fsconfig EINVAL': ([, , key]) =>
    key === 'lowerdir+'
      ? 'the kernel is older than 6.8, or has its 500 lower directories already'
      : undefined,
  'prctl EINVAL': ([option]) =>
    option === PR_SET_MM
      ? 'a kernel without CONFIG_CHECKPOINT_RESTORE: the container could overwrite the runtime’s program; use a user namespace'
      : undefined,
  'openTree ENOSYS': 'the kernel is older than 5.2',
  'mountSetattr ENOSYS': 'the kernel is older than 5.12',
  'mknodat EPERM': 'device nodes cannot be made inside a user namespace: bind the host’s instead',
};

/** Advice for `name` failing with `code`, or undefined where the error says it all. */
export function hintFor(
  name: CallName,
  code: string,
  args: readonly (Argument | Reference)[],
): string | undefined {
  const hint = hints[`${name} ${code}`];
  return typeof hint === 'function' ? hint(args) : hint;
}
