/**
 * A configuration to begin with: a shell in its own namespaces, with few capabilities, nothing of
 * the machine to be seen or written.
 *
 * OCI runtime-spec, config.md
 */
import type { Mount, Spec } from './spec.ts';

const CAPABILITIES = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE'];

const KERNEL_FS = ['nosuid', 'noexec', 'nodev'];

const MOUNTS: readonly Mount[] = [
  { destination: '/proc', type: 'proc', source: 'proc' },
  {
    destination: '/dev',
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
  },
  {
    destination: '/dev/pts',
    type: 'devpts',
    source: 'devpts',
    options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
  },
  {
    destination: '/dev/shm',
    type: 'tmpfs',
    source: 'shm',
    options: [...KERNEL_FS, 'mode=1777', 'size=65536k'],
  },
  { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: KERNEL_FS },
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...KERNEL_FS, 'ro'] },
  {
    destination: '/sys/fs/cgroup',
    type: 'cgroup',
    source: 'cgroup',
    options: [...KERNEL_FS, 'relatime', 'ro'],
  },
];

export function exampleSpec(): Spec {
  return {
    ociVersion: '1.2.0',
    process: {
      terminal: true,
      user: { uid: 0, gid: 0 },
      args: ['sh'],
      env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'TERM=xterm'],
      cwd: '/',
      capabilities: {
        bounding: CAPABILITIES,
        effective: CAPABILITIES,
        permitted: CAPABILITIES,
      },
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: 'rootfs', readonly: true },
    hostname: 'box',
    mounts: [...MOUNTS],
    linux: {
      resources: { devices: [{ allow: false, access: 'rwm' }] },
      namespaces: [
        { type: 'pid' },
        { type: 'network' },
        { type: 'ipc' },
        { type: 'uts' },
        { type: 'mount' },
        { type: 'cgroup' },
      ],
      maskedPaths: [
        '/proc/acpi',
        '/proc/asound',
        '/proc/kcore',
        '/proc/keys',
        '/proc/latency_stats',
        '/proc/timer_list',
        '/proc/timer_stats',
        '/proc/sched_debug',
        '/sys/firmware',
        '/proc/scsi',
      ],
      readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
    },
  };
}

/** For a user without privilege: a user namespace of one id, the host's network, its sysfs bound. */
export function rootlessSpec(uid: number, gid: number): Spec {
  const spec = exampleSpec();
  const { resources: _, namespaces = [], ...linux } = spec.linux ?? {};
  const mounts = (spec.mounts ?? []).flatMap((mount): Mount[] => {
    if (mount.type === 'cgroup') return [];
    if (mount.type === 'sysfs') {
      const options = ['rbind', 'nosuid', 'noexec', 'nodev', 'ro'];
      return [{ destination: '/sys', type: 'none', source: '/sys', options }];
    }
    const options = mount.options?.filter((option) => option !== 'gid=5');
    return [options ? { ...mount, options } : mount];
  });
  return {
    ...spec,
    mounts,
    linux: {
      ...linux,
      namespaces: [...namespaces.filter(({ type }) => type !== 'network'), { type: 'user' }],
      uidMappings: [{ containerID: 0, hostID: uid, size: 1 }],
      gidMappings: [{ containerID: 0, hostID: gid, size: 1 }],
    },
  };
}
