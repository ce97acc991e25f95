/**
 * What a configuration may hold, as a JSON schema (2020-12's common part): the Linux part of the OCI
 * runtime specification 1.2. Fields that are not listed are left alone, as the specification says:
 * a runtime must not refuse what it does not know.
 *
 * OCI runtime-spec, config.md, config-linux.md, schema/
 */
type Schema = Readonly<Record<string, unknown>>;

const text: Schema = { type: 'string' };
const flag: Schema = { type: 'boolean' };
const whole: Schema = { type: 'integer' };
const natural: Schema = { type: 'integer', minimum: 0 };
const id: Schema = { type: 'integer', minimum: 0, maximum: 4294967295 };
const oneOf = (...values: string[]): Schema => ({ type: 'string', enum: values });
const list = (items: Schema): Schema => ({ type: 'array', items });
const map = (values: Schema): Schema => ({ type: 'object', additionalProperties: values });
const object = (properties: Readonly<Record<string, Schema>>, ...required: string[]): Schema => ({
  type: 'object',
  properties,
  ...(required.length > 0 ? { required } : {}),
});
const absolute: Schema = { type: 'string', pattern: '^/' };
/** An object or array that Go's encoders write as null where it is empty. */
const orNull = (schema: Schema): Schema => ({ ...schema, type: [schema.type, 'null'] });

const ids = orNull(
  list(object({ containerID: id, hostID: id, size: id }, 'containerID', 'hostID', 'size')),
);
const capabilities = orNull(list({ type: 'string', pattern: '^CAP_[A-Z_]+$' }));

export const processSchema: Schema = object(
  {
    terminal: flag,
    consoleSize: orNull(object({ height: natural, width: natural }, 'height', 'width')),
    user: object({ uid: id, gid: id, umask: natural, additionalGids: orNull(list(id)) }),
    args: orNull(list(text)),
    env: orNull(list(text)),
    cwd: absolute,
    capabilities: orNull(
      object({
        bounding: capabilities,
        effective: capabilities,
        permitted: capabilities,
        inheritable: capabilities,
        ambient: capabilities,
      }),
    ),
    rlimits: orNull(
      list(
        object(
          { type: { type: 'string', pattern: '^RLIMIT_[A-Z]+$' }, soft: natural, hard: natural },
          'type',
          'soft',
          'hard',
        ),
      ),
    ),
    noNewPrivileges: flag,
    apparmorProfile: text,
    selinuxLabel: text,
    oomScoreAdj: { type: ['integer', 'null'], minimum: -1000, maximum: 1000 },
    scheduler: orNull(
      object(
        {
          policy: oneOf(
            'SCHED_OTHER',
            'SCHED_FIFO',
            'SCHED_RR',
            'SCHED_BATCH',
            'SCHED_ISO',
            'SCHED_IDLE',
            'SCHED_DEADLINE',
          ),
          nice: { type: 'integer', minimum: -20, maximum: 19 },
          priority: whole,
          flags: orNull(list(text)),
          runtime: natural,
          deadline: natural,
          period: natural,
        },
        'policy',
      ),
    ),
    ioPriority: orNull(
      object(
        {
          class: oneOf('IOPRIO_CLASS_RT', 'IOPRIO_CLASS_BE', 'IOPRIO_CLASS_IDLE'),
          priority: { type: 'integer', minimum: 0, maximum: 7 },
        },
        'class',
      ),
    ),
  },
  'cwd',
);

const hooks = orNull(
  list(
    object(
      {
        path: absolute,
        args: orNull(list(text)),
        env: orNull(list(text)),
        timeout: { type: ['integer', 'null'], minimum: 1 },
      },
      'path',
    ),
  ),
);

const throttles = orNull(
  list(object({ major: whole, minor: whole, rate: natural }, 'major', 'minor', 'rate')),
);

const weight: Schema = { type: ['integer', 'null'], minimum: 0, maximum: 1000 };

export const resourcesSchema: Schema = orNull(
  object({
    devices: orNull(
      list(
        object(
          {
            allow: flag,
            type: oneOf('', 'a', 'b', 'c', 'u', 'p'),
            major: { type: ['integer', 'null'] },
            minor: { type: ['integer', 'null'] },
            access: { type: 'string', pattern: '^[rwm]*$' },
          },
          'allow',
        ),
      ),
    ),
    memory: orNull(
      object({
        limit: { type: ['integer', 'null'] },
        reservation: { type: ['integer', 'null'] },
        swap: { type: ['integer', 'null'] },
        kernel: { type: ['integer', 'null'] },
        kernelTCP: { type: ['integer', 'null'] },
        swappiness: { type: ['integer', 'null'], minimum: 0 },
        disableOOMKiller: { type: ['boolean', 'null'] },
        checkBeforeUpdate: { type: ['boolean', 'null'] },
      }),
    ),
    cpu: orNull(
      object({
        shares: { type: ['integer', 'null'], minimum: 0 },
        quota: { type: ['integer', 'null'] },
        burst: { type: ['integer', 'null'], minimum: 0 },
        period: { type: ['integer', 'null'], minimum: 0 },
        realtimeRuntime: { type: ['integer', 'null'] },
        realtimePeriod: { type: ['integer', 'null'], minimum: 0 },
        cpus: text,
        mems: text,
        idle: { type: ['integer', 'null'], minimum: 0, maximum: 1 },
      }),
    ),
    pids: orNull(object({ limit: { type: ['integer', 'null'] } })),
    blockIO: orNull(
      object({
        weight,
        leafWeight: weight,
        weightDevice: orNull(
          list(object({ major: whole, minor: whole, weight }, 'major', 'minor')),
        ),
        throttleReadBpsDevice: throttles,
        throttleWriteBpsDevice: throttles,
        throttleReadIOPSDevice: throttles,
        throttleWriteIOPSDevice: throttles,
      }),
    ),
    hugepageLimits: orNull(
      list(
        object(
          { pageSize: { type: 'string', pattern: '^[1-9][0-9]*[KMG]B$' }, limit: natural },
          'pageSize',
          'limit',
        ),
      ),
    ),
    network: orNull(
      object({
        classID: { type: ['integer', 'null'], minimum: 0, maximum: 4294967295 },
        priorities: orNull(list(object({ name: text, priority: natural }, 'name', 'priority'))),
      }),
    ),
    rdma: orNull(map(object({ hcaHandles: natural, hcaObjects: natural }))),
    unified: orNull(map(text)),
  }),
);

const seccomp = orNull(
  object(
    {
      defaultAction: text,
      defaultErrnoRet: { type: ['integer', 'null'], minimum: 0 },
      architectures: orNull(list(text)),
      flags: orNull(list(text)),
      listenerPath: text,
      listenerMetadata: text,
      syscalls: orNull(
        list(
          object(
            {
              names: { type: 'array', items: text, minItems: 1 },
              action: text,
              errnoRet: { type: ['integer', 'null'], minimum: 0 },
              args: orNull(
                list(
                  object(
                    {
                      index: { type: 'integer', minimum: 0, maximum: 5 },
                      value: { type: 'number', minimum: 0 },
                      valueTwo: { type: 'number', minimum: 0 },
                      op: text,
                    },
                    'index',
                    'value',
                    'op',
                  ),
                ),
              ),
            },
            'names',
            'action',
          ),
        ),
      ),
    },
    'defaultAction',
  ),
);

const namespaces = list(
  object(
    {
      type: oneOf('pid', 'network', 'mount', 'ipc', 'uts', 'user', 'cgroup', 'time'),
      path: { type: 'string', pattern: '^(/|$)' },
    },
    'type',
  ),
);

const linux = object({
  namespaces: orNull(namespaces),
  uidMappings: ids,
  gidMappings: ids,
  timeOffsets: orNull(
    object({
      boottime: object({ secs: whole, nanosecs: id }),
      monotonic: object({ secs: whole, nanosecs: id }),
    }),
  ),
  devices: orNull(
    list(
      object(
        {
          type: oneOf('c', 'b', 'u', 'p'),
          path: absolute,
          major: whole,
          minor: whole,
          fileMode: { type: ['integer', 'null'], minimum: 0 },
          uid: { type: ['integer', 'null'], minimum: 0 },
          gid: { type: ['integer', 'null'], minimum: 0 },
        },
        'type',
        'path',
      ),
    ),
  ),
  cgroupsPath: text,
  resources: resourcesSchema,
  rootfsPropagation: oneOf(
    '',
    'private',
    'shared',
    'slave',
    'unbindable',
    'rprivate',
    'rshared',
    'rslave',
    'runbindable',
  ),
  seccomp,
  sysctl: orNull(map(text)),
  maskedPaths: orNull(list(text)),
  readonlyPaths: orNull(list(text)),
  mountLabel: text,
  personality: orNull(
    object({ domain: oneOf('LINUX', 'LINUX32'), flags: orNull(list(text)) }, 'domain'),
  ),
});

export const configSchema: Schema = object(
  {
    ociVersion: { type: 'string', pattern: '^1\\.\\d+\\.\\d+' },
    process: orNull(processSchema),
    root: orNull(object({ path: { type: 'string', minLength: 1 }, readonly: flag }, 'path')),
    hostname: text,
    domainname: text,
    mounts: orNull(
      list(
        object(
          {
            destination: { type: 'string', minLength: 1 },
            type: text,
            source: text,
            options: orNull(list(text)),
            uidMappings: ids,
            gidMappings: ids,
          },
          'destination',
        ),
      ),
    ),
    hooks: orNull(
      object({
        prestart: hooks,
        createRuntime: hooks,
        createContainer: hooks,
        startContainer: hooks,
        poststart: hooks,
        poststop: hooks,
      }),
    ),
    annotations: orNull(map(text)),
    linux: orNull(linux),
  },
  'ociVersion',
);
