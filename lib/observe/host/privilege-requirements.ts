/**
 * What the labs need to be allowed: to be root, or root of a user namespace, and to make each kind
 * of namespace as that. Inside a container it is the container's keeper who forbids, and advice
 * about the host's switches would lead astray; so just one of the two speaks.
 *
 * namespaces(7), user_namespaces(7), mount_namespaces(7) "Restrictions on mount namespaces"
 */
import type { LinuxFacts } from './inspect.ts';
import { lackedAsRoot, openTheWay, refusedHere, wayToRun } from './privilege.ts';
import type { Probed } from './probe.ts';
import { BUILDING, type Lab, onLinux, type Requirement } from './requirement.ts';

/** Which labs make which namespace; mount namespaces, which all make, are part of the privilege. */
const MADE: [Probed, string, readonly Lab[]][] = [
  ['pid', 'pid namespaces', ['04', '06', '07', '08']],
  ['proc', 'a /proc of its own', ['04', '06', '07', '08']],
  ['uts', 'uts namespaces', ['04', '06', '07', '08']],
  ['ipc', 'ipc namespaces', ['04', '06', '07', '08']],
  ['network', 'network namespaces', ['05', '06', '07', '08']],
];

export const privilegeRequirements: Requirement[] = [
  onLinux({
    id: 'container',
    title: 'container',
    found: (facts) =>
      facts.container.inside
        ? `inside ${nameContainer(facts)}, refused: ${listRefused(facts)}`
        : 'not inside another container',
    ok: (facts) => !facts.container.inside || wayToRun(facts) !== null,
    remedy: loosenContainer,
    blocks: BUILDING,
  }),
  onLinux({
    id: 'privilege',
    title: 'privilege',
    found: describeWay,
    ok: (facts) => wayToRun(facts) !== null || facts.container.inside,
    remedy: openTheWay,
    blocks: BUILDING,
  }),
  ...MADE.map(([kind, title, blocks]) =>
    onLinux({
      id: `namespace-${kind}`,
      title,
      found: (facts) => refusedHere(facts)[kind] ?? 'allowed',
      // With no way at all every kind is refused: that is said once, above.
      ok: (facts) => wayToRun(facts) === null || refusedHere(facts)[kind] === undefined,
      remedy: (facts) =>
        facts.container.inside ? loosenContainer(facts) : explainRefusal(kind, facts),
      blocks,
    }),
  ),
];

/** As whom labs run here, or why they cannot. */
export function describeWay(facts: LinuxFacts): string {
  const { uid, mapsWholeMachine } = facts.credentials;
  const way = wayToRun(facts);
  if (way === 'root') return mapsWholeMachine ? 'root' : 'root of a user namespace';
  if (uid === 0) return `root without ${lackedAsRoot(facts).join(', ') || 'leave to mount'}`;
  return `user ${uid}, who may ${way ? '' : 'not '}make user namespaces`;
}

function nameContainer({ container }: LinuxFacts): string {
  const evidence = [
    ...container.markers,
    ...container.foreign.map((kind) => `own ${kind} namespace`),
  ];
  return `${container.kept ?? 'a container'} (${evidence[0]})`;
}

function listRefused(facts: LinuxFacts): string {
  return Object.keys(refusedHere(facts)).join(', ') || 'nothing';
}

function loosenContainer({ container }: LinuxFacts): string {
  const orOutside = ', or run the lab on the host itself';
  switch (container.kept) {
    case 'docker':
    case 'podman':
      return `start it with \`${container.kept} run --privileged\`${orOutside}`;
    case 'kubernetes':
      return `give the pod \`securityContext: {privileged: true}\`${orOutside}`;
    case 'lxc':
      return `\`lxc config set NAME security.nesting true\` and restart it${orOutside}`;
    default:
      return `start it with all privileges (docker and podman: --privileged)${orOutside}`;
  }
}

/** A kind refused where others are not: by a covered /proc, a limit, or the kernel itself. */
function explainRefusal(kind: Probed, facts: LinuxFacts): string {
  const orRoot = facts.credentials.uid === 0 ? '' : ', or run the lab as root (sudo)';
  const [covered] = facts.fileSystems.coveredProc;
  if (kind === 'proc') return `unmount what covers ${covered ?? 'parts of /proc'}${orRoot}`;
  if (facts.namespaces[kind] === null) return `boot a kernel built with ${kind} namespaces`;
  return `look for a limit in /proc/sys/user that is 0 or used up${orRoot}`;
}
