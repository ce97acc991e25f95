/**
 * The facts about a host in words, in groups of short rows, for a terminal or a page to lay out.
 * A row says of itself whether a requirement hangs on it and is met.
 */
import type { CgroupLayout } from '../cgroups.ts';
import { NAMESPACES } from '../namespaces.ts';
import type { HostFacts, LinuxFacts } from './inspect.ts';
import { formatSize } from './machine-requirements.ts';
import { refusedHere, wayToRun } from './privilege.ts';
import { describeWay } from './privilege-requirements.ts';
import { requirements } from './requirements.ts';

export type Row = {
  label: string;
  value: string;
  /** Null where no lab depends on it. */
  met: boolean | null;
};

export type Group = { title: string; rows: Row[] };

/** Everything worth showing; on another system than Linux, the little that is known. */
export function describeHost(facts: HostFacts): Group[] {
  const { linux, platform, architecture, node } = facts;
  const row = (label: string, value: string, id?: string): Row => ({
    label,
    value,
    met: id === undefined ? null : isMet(facts, id),
  });
  const machine = [
    row('system', linux ? linux.distribution.name : platform, 'linux'),
    row('processor', architecture, 'architecture'),
    row('Node', node),
  ];
  if (!linux) return [{ title: 'Machine', rows: machine }];
  const { credentials, fileSystems, settings, tools } = linux;
  const { state, temporary } = fileSystems;
  const missing = Object.entries(linux.kernel.calls).filter(([, has]) => !has);
  const refused = refusedHere(linux);
  return [
    {
      title: 'Machine',
      rows: [
        ...machine,
        row('kernel', linux.kernel.release, 'kernel'),
        row('lacks calls', missing.map(([call]) => call).join(' ') || 'none of those looked for'),
        row('C library', linux.cLibrary),
        row('runs on', linux.wsl ? `WSL ${linux.wsl}` : (linux.virtualMachine ?? 'unknown')),
        row('container', describeContainer(linux), 'container'),
      ],
    },
    {
      title: 'You',
      rows: [
        row('privilege', describeWay(linux), 'privilege'),
        row('capabilities', describeCapabilities(linux)),
        row('seccomp', credentials.seccomp),
        row('no new privileges', credentials.noNewPrivs ? 'set' : 'not set'),
        row('max user namespaces', String(settings.max ?? 'no such setting')),
        row('unprivileged clone', String(settings.unprivilegedClone ?? 'no such setting')),
        row('AppArmor restricts', String(settings.apparmorRestricts ?? 'no such setting')),
      ],
    },
    {
      title: 'Namespaces',
      rows: NAMESPACES.map((kind) =>
        row(
          kind,
          `${linux.namespaces[kind] ?? 'not in this kernel'}${describeRefusal(refused, kind)}`,
          `namespace-${kind}`,
        ),
      ).concat(row('own /proc', refused.proc ?? 'allowed', 'namespace-proc')),
    },
    {
      title: 'Cgroups',
      rows: describeCgroups(linux.cgroups).map(([name, text]) => row(name, text)),
    },
    {
      title: 'Files',
      rows: [
        row('/', describeRoot(fileSystems), 'root-mount'),
        row(state.path, describeDirectory(state), 'state-directory'),
        row(temporary.path, describeDirectory(temporary)),
        row('/proc', `hidepid=${fileSystems.hidepid}, ${describeCovered(fileSystems.coveredProc)}`),
        row('overlay', requirementText(facts, 'overlay'), 'overlay'),
      ],
    },
    {
      title: 'Tools',
      rows: Object.entries(tools).map(([name, tool]) => {
        const place = tool && `${tool.path}${tool.busybox ? ' (busybox)' : ''}`;
        const text = place && `${(tool.version ?? '?').padEnd(8)}  ${place}`;
        return row(name, text ?? 'missing', `tool-${name}`);
      }),
    },
  ];
}

/** Where labs cannot run at all, what else would be allowed is moot. */
function isMet(facts: HostFacts, id: string): boolean | null {
  const requirement = requirements.find((each) => each.id === id);
  if (!requirement || requirement.blocks.length === 0) return null;
  const met = requirement.ok(facts);
  const moot = facts.linux !== null && wayToRun(facts.linux) === null;
  return met && moot && /^(privilege$|namespace-)/.test(id) ? null : met;
}

function requirementText(facts: HostFacts, id: string): string {
  return requirements.find((each) => each.id === id)?.found(facts) ?? '';
}

function describeContainer({ container }: LinuxFacts): string {
  const marks = container.markers.join(', ');
  if (container.inside) {
    const foreign = container.foreign.length > 0 ? `own ${container.foreign.join(', ')}` : '';
    return `inside ${container.kept ?? 'one'}: ${[marks, foreign].filter(Boolean).join('; ')}`;
  }
  return marks ? `no (${marks} is there, but the namespaces are the machine's own)` : 'no';
}

/** Few missing ones are named, else the ones that are there. */
function describeCapabilities({ credentials: { effective, lacking } }: LinuxFacts): string {
  if (lacking.length === 0) return `all ${effective.length}`;
  if (effective.length === 0) return 'none';
  if (lacking.length <= 3) return `${effective.length}: all but ${lacking.join(', ')}`;
  return `${effective.length}: ${effective.join(' ')}`;
}

function describeRefusal(refused: Partial<Record<string, string>>, kind: string): string {
  return refused[kind] === undefined ? '' : `, making one: ${refused[kind]}`;
}

/** Controllers by version; those bound to none are listed too, they are free for either. */
function describeCgroups(cgroups: CgroupLayout): [string, string][] {
  const those = (wanted: (by: { v1: string | null; v2: boolean }) => boolean) =>
    Object.entries(cgroups.controllers)
      .filter(([, by]) => wanted(by))
      .map(([name]) => name)
      .join(' ') || 'none';
  return [
    ['layout', cgroups.layout],
    ['v1 controllers', those(({ v1 }) => v1 !== null)],
    ['v2 controllers', those(({ v2 }) => v2)],
    ['mounted nowhere', those(({ v1, v2 }) => v1 === null && !v2)],
  ];
}

function describeRoot({ rootType, rootPropagation }: LinuxFacts['fileSystems']): string {
  return rootType ? `${rootType}, ${rootPropagation}` : 'no mount: this is a chroot';
}

function describeDirectory(directory: LinuxFacts['fileSystems']['state']): string {
  const flags = [directory.noexec && 'noexec', directory.nodev && 'nodev'].filter(Boolean);
  return [directory.fstype, `${formatSize(directory.freeBytes)} free`, ...flags].join(', ');
}

function describeCovered(places: string[]): string {
  return places.length > 0 ? `covered: ${places.join(' ')}` : 'nothing covered';
}
