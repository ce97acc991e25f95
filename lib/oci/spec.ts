/**
 * The configuration of a container, `config.json` of a bundle, in the words of the OCI runtime
 * specification 1.2: its Linux part, without what the specification calls deprecated. Comments say
 * only what a name does not; config.schema.ts says which values are allowed.
 *
 * OCI runtime-spec, config.md, config-linux.md, runtime.md
 */

export interface Spec {
  ociVersion: string;
  /** Null or left out by `create` of a configuration that is only to be started by `exec`. */
  process?: Process;
  root?: Root;
  hostname?: string;
  domainname?: string;
  /** In the order in which they are made. */
  mounts?: Mount[];
  hooks?: Hooks;
  annotations?: Record<string, string>;
  linux?: Linux;
}

export interface Root {
  /** Absolute, or relative to the bundle. */
  path: string;
  readonly?: boolean;
}

export interface Mount {
  /** Absolute in the container; a relative one is taken from its root. */
  destination: string;
  type?: string;
  /** A relative path is taken from the bundle. */
  source?: string;
  options?: string[];
  /** With `idmap` or `ridmap`; without `options` of that name, as if `idmap` was there. */
  uidMappings?: IdMapping[];
  gidMappings?: IdMapping[];
}

export interface IdMapping {
  containerID: number;
  hostID: number;
  size: number;
}

export interface Process {
  terminal?: boolean;
  consoleSize?: { height: number; width: number };
  user?: User;
  args?: string[];
  /** `NAME=value`. */
  env?: string[];
  cwd: string;
  capabilities?: Partial<Record<CapabilitySet, string[]>>;
  rlimits?: Rlimit[];
  noNewPrivileges?: boolean;
  apparmorProfile?: string;
  selinuxLabel?: string;
  oomScoreAdj?: number;
  scheduler?: Scheduler;
  ioPriority?: { class: string; priority?: number };
  execCPUAffinity?: { initial?: string; final?: string };
}

export type CapabilitySet = 'bounding' | 'effective' | 'permitted' | 'inheritable' | 'ambient';

export interface User {
  uid?: number;
  gid?: number;
  umask?: number;
  additionalGids?: number[];
}

export interface Rlimit {
  /** `RLIMIT_NOFILE`. */
  type: string;
  soft: number;
  hard: number;
}

export interface Scheduler {
  policy: string;
  nice?: number;
  priority?: number;
  flags?: string[];
  /** Nanoseconds. */
  runtime?: number;
  deadline?: number;
  period?: number;
}

export type HookName =
  | 'prestart'
  | 'createRuntime'
  | 'createContainer'
  | 'startContainer'
  | 'poststart'
  | 'poststop';

export type Hooks = Partial<Record<HookName, Hook[]>>;

export interface Hook {
  path: string;
  args?: string[];
  env?: string[];
  /** Seconds. */
  timeout?: number;
}

/** What hooks read on their standard input, and `state` prints. runtime.md "State" */
export interface State {
  ociVersion: string;
  id: string;
  status: Status;
  /** As the caller sees it; left out when stopped. */
  pid?: number;
  /** Absolute. */
  bundle: string;
  annotations?: Record<string, string>;
}

export type Status = 'creating' | 'created' | 'running' | 'paused' | 'stopped';

export interface Linux {
  namespaces?: NamespaceSpec[];
  uidMappings?: IdMapping[];
  gidMappings?: IdMapping[];
  /** Of the clocks of a new time namespace. */
  timeOffsets?: Partial<Record<'boottime' | 'monotonic', { secs?: number; nanosecs?: number }>>;
  devices?: Device[];
  cgroupsPath?: string;
  resources?: Resources;
  rootfsPropagation?: string;
  seccomp?: Seccomp;
  sysctl?: Record<string, string>;
  maskedPaths?: string[];
  readonlyPaths?: string[];
  mountLabel?: string;
  intelRdt?: Record<string, unknown>;
  personality?: { domain: string; flags?: string[] };
}

export type NamespaceType =
  | 'pid'
  | 'network'
  | 'mount'
  | 'ipc'
  | 'uts'
  | 'user'
  | 'cgroup'
  | 'time';

export interface NamespaceSpec {
  type: NamespaceType;
  /** Of one that is there already; left out for a new one. */
  path?: string;
}

export interface Device {
  /** c and u are character devices, b block devices, p FIFOs. */
  type: 'c' | 'b' | 'u' | 'p';
  path: string;
  major?: number;
  minor?: number;
  /** Permission bits; 0666 by default. */
  fileMode?: number;
  uid?: number;
  gid?: number;
}

export interface Resources {
  devices?: DeviceRuleSpec[];
  memory?: MemoryResources;
  cpu?: CpuResources;
  pids?: { limit?: number };
  blockIO?: BlockIoResources;
  hugepageLimits?: { pageSize: string; limit: number }[];
  network?: { classID?: number; priorities?: { name: string; priority: number }[] };
  rdma?: Record<string, { hcaHandles?: number; hcaObjects?: number }>;
  /** Version 2 files by name. */
  unified?: Record<string, string>;
}

export interface DeviceRuleSpec {
  allow: boolean;
  type?: 'a' | 'b' | 'c' | 'u' | 'p';
  major?: number;
  minor?: number;
  access?: string;
}

/** Bytes; -1 is no limit. */
export interface MemoryResources {
  limit?: number;
  reservation?: number;
  /** Memory and swap together. */
  swap?: number;
  kernel?: number;
  kernelTCP?: number;
  swappiness?: number;
  disableOOMKiller?: boolean;
  useHierarchy?: boolean;
  checkBeforeUpdate?: boolean;
}

/** Microseconds; -1 is no quota. */
export interface CpuResources {
  shares?: number;
  quota?: number;
  burst?: number;
  period?: number;
  realtimeRuntime?: number;
  realtimePeriod?: number;
  cpus?: string;
  mems?: string;
  idle?: number;
}

export interface BlockIoResources {
  weight?: number;
  leafWeight?: number;
  weightDevice?: { major: number; minor: number; weight?: number; leafWeight?: number }[];
  throttleReadBpsDevice?: ThrottleDevice[];
  throttleWriteBpsDevice?: ThrottleDevice[];
  throttleReadIOPSDevice?: ThrottleDevice[];
  throttleWriteIOPSDevice?: ThrottleDevice[];
}

export interface ThrottleDevice {
  major: number;
  minor: number;
  rate: number;
}

export interface Seccomp {
  defaultAction: string;
  defaultErrnoRet?: number;
  architectures?: string[];
  flags?: string[];
  listenerPath?: string;
  listenerMetadata?: string;
  syscalls?: SeccompRule[];
}

export interface SeccompRule {
  names: string[];
  action: string;
  errnoRet?: number;
  args?: SeccompArgument[];
}

export interface SeccompArgument {
  index: number;
  value: number;
  valueTwo?: number;
  op: string;
}
