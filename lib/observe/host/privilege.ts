/**
 * Making namespaces takes a privilege, and there are two ways to it: being root, or becoming root
 * of a user namespace of one's own, which every user may make unless somebody has forbidden it.
 *
 * user_namespaces(7), capabilities(7)
 */
import type { LinuxFacts } from './inspect.ts';
import type { Probe } from './probe.ts';

export type Way = 'root' | 'user namespace';

/**
 * The way by which labs run here; null where it is closed. Root goes the first way only: a root who
 * lacks capabilities sits in somebody's container, and is better told so than helped around it.
 */
export function wayToRun(facts: LinuxFacts): Way | null {
  if (facts.credentials.uid === 0) return isAble(facts) ? 'root' : null;
  return mayBecomeRoot(facts) ? 'user namespace' : null;
}

/** What is refused to this user on the way that is this user's. */
export function refusedHere({ credentials, probes }: LinuxFacts): Probe['refused'] {
  return probes[credentials.uid === 0 ? 'self' : 'user'].refused;
}

/** What a root needs to make and furnish a container, and this process has not. */
export function lackedAsRoot({ credentials }: LinuxFacts): string[] {
  const needed = ['CAP_SYS_ADMIN', 'CAP_SYS_CHROOT', 'CAP_NET_ADMIN'];
  return needed.filter((name) => !credentials.effective.includes(name));
}

function isAble(facts: LinuxFacts): boolean {
  return lackedAsRoot(facts).length === 0 && !facts.probes.self.refused.mount;
}

/** Where nothing could be tried, the switches decide. */
function mayBecomeRoot({ namespaces, settings, probes }: LinuxFacts): boolean {
  if (namespaces.user === null) return false;
  // AppArmor's rule goes by program: that unshare(1) has a profile would not help Node.
  if (settings.apparmorRestricts === 1) return false;
  if (probes.user.tried) return !probes.user.refused.user && !probes.user.refused.mount;
  return settings.max !== 0 && settings.unprivilegedClone !== 0;
}

/** One line: which switch, or who else, closes the way, and what opens it. */
export function openTheWay(facts: LinuxFacts): string {
  const { credentials } = facts;
  return credentials.uid === 0
    ? helpRoot(facts)
    : `${helpUser(facts)}, or run the lab as root (sudo)`;
}

function helpRoot(facts: LinuxFacts): string {
  const lacked = lackedAsRoot(facts);
  if (lacked.length > 0) {
    return `this root lacks ${lacked.join(', ')}: use a root shell of the machine itself`;
  }
  const said = facts.probes.self.refused.mount;
  return `mounting was refused ("${said}"): look for a security module or a seccomp filter`;
}

function helpUser({ namespaces, settings, fileSystems, credentials, probes }: LinuxFacts): string {
  if (namespaces.user === null) return 'boot a kernel built with CONFIG_USER_NS';
  if (settings.max === 0) return 'sudo sysctl -w user.max_user_namespaces=15000';
  if (settings.unprivilegedClone === 0) return 'sudo sysctl -w kernel.unprivileged_userns_clone=1';
  if (settings.apparmorRestricts === 1) {
    return 'sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0';
  }
  if (fileSystems.rootType === null) {
    return 'leave the chroot: the kernel makes no user namespaces in one';
  }
  if (credentials.seccomp === 'filter') {
    return 'a seccomp filter may forbid it: use a shell outside the program that set it';
  }
  const said = Object.values(probes.user.refused)[0] ?? 'no reason given';
  return `the kernel said "${said}"; a security module may forbid it`;
}
