import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, type TestContext, vi } from 'vitest';
import { type Linked, spread } from './arguments.ts';
import { evaluate, findToolchain, type Toolchain } from './headers.fixture.ts';
import type { Architecture } from './libc.ts';
import { signatures } from './signatures.ts';
import { encodeMessage } from './sockets.ts';
import * as structs from './structs.ts';

const directory = mkdtempSync(join(tmpdir(), 'unboxed-headers-'));
afterAll(() => rmSync(directory, { recursive: true }));

describe.each<Architecture>(['x64', 'arm64'])('the C headers for %s', (arch) => {
  it('have our numbers of system calls', (context) => {
    const tools = toolchain(context, arch);
    const ours = new Map(Object.values(signatures).map((it) => [`__NR_${it.name}`, it[arch]]));
    const theirs = evaluate(tools, ['asm/unistd.h'], [...ours.keys()]);
    const known = [...ours].filter(([name]) => theirs.has(name));
    expect(Object.fromEntries(known)).toEqual(numbers(theirs));
    skipForUnknown(context, [...ours.keys()], theirs);
  });

  it('have our constants, each in the headers that its group names', async (context) => {
    const tools = toolchain(context, arch);
    const ours = await constantsFor(arch);
    const groups = groupsOfConstants();
    // One header at a time: glibc's and the kernel's cannot always be included together.
    const found = groups.flatMap(({ headers, names }) =>
      headers.map((header) => ({ header, values: evaluate(tools, withNeeded(header), names) })),
    );
    const differing = found.flatMap(({ header, values }) =>
      [...values]
        .filter(([name, value]) => ours[name] !== Number(value))
        .map(([name, value]) => `${name} is ${value} in ${header}, ${ours[name]} here`),
    );
    expect(differing).toEqual([]);
    const names = groups.flatMap((group) => group.names);
    expect([...names].sort()).toEqual(Object.keys(ours).sort());
    skipForUnknown(context, names, new Map(found.flatMap(({ values }) => [...values])));
  });

  it.for(structures())('lay out $struct as we do', (structure, context) => {
    const { struct, headers, bytes, fields } = structure;
    const tools = toolchain(context, arch);
    expect(placesOf(tools, struct, headers, Object.keys(fields), bytes)).toEqual({
      size: bytes.length,
      ...fields,
    });
  });

  it('have the places that are read of a siginfo_t', (context) => {
    const tools = toolchain(context, arch);
    const fields = ['si_code', 'si_pid', 'si_status'];
    const expressions = fields.map((field) => `offsetof(siginfo_t, ${field})`);
    const places = evaluate(tools, ['signal.h'], [...expressions, 'sizeof(siginfo_t)']);
    const info = Buffer.alloc(Number(places.get('sizeof(siginfo_t)')));
    expect(info).toHaveLength(128);
    expressions.forEach((it, i) => void info.writeInt32LE(11 * (i + 1), Number(places.get(it))));
    expect(structs.decodeSiginfo(info)).toEqual({ code: 11, pid: 22, status: 33 });
  });

  it('have the fields of union bpf_attr where we write them', (context) => {
    const tools = toolchain(context, arch);
    const load = structs.encodeBpfLoad({
      ...{ type: 1, count: 2, instructions: 3, license: 4 },
      name: 'ours',
    });
    const attach = structs.encodeBpfAttach({ target: 1, program: 2, type: 3, flags: 4 });
    const query = structs.encodeBpfQuery({ target: 1, type: 2, ids: { address: 3, room: 4 } });
    const info = structs.encodeBpfInfo({ fd: 1, length: 2, address: 3 });
    const places = (fields: string[], bytes: Uint8Array) => {
      const { size, ...found } = placesOf(tools, 'union bpf_attr', ['linux/bpf.h'], fields, bytes);
      return found;
    };
    expect(places(['prog_type', 'insn_cnt', 'insns', 'license'], load)).toEqual({
      prog_type: 1,
      insn_cnt: 2,
      insns: 3,
      license: 4,
    });
    const fields = ['target_fd', 'attach_bpf_fd', 'attach_type', 'attach_flags'];
    expect(places(fields, attach)).toEqual({
      target_fd: 1,
      attach_bpf_fd: 2,
      attach_type: 3,
      attach_flags: 4,
    });
    const named = 'offsetof(union bpf_attr, prog_name)';
    const at = Number(evaluate(tools, ['linux/bpf.h'], [named]).get(named));
    expect(Buffer.from(load.subarray(at)).toString()).toBe(`ours${'\0'.repeat(12)}`);
    const queried = ['target_fd', 'attach_type', 'prog_ids', 'prog_cnt'].map((it) => `query.${it}`);
    expect(places(queried, query)).toEqual({
      'query.target_fd': 1,
      'query.attach_type': 2,
      'query.prog_ids': 3,
      'query.prog_cnt': 4,
    });
    expect(places(['info.bpf_fd', 'info.info_len', 'info.info'], info)).toEqual({
      'info.bpf_fd': 1,
      'info.info_len': 2,
      'info.info': 3,
    });
    expect(places(['prog_id'], structs.encodeBpfId(1))).toEqual({ prog_id: 1 });
    const name = evaluate(tools, ['linux/bpf.h'], ['offsetof(struct bpf_prog_info, name)']);
    const told = new Uint8Array(structs.BPF_PROG_INFO_SIZE);
    told.set(Buffer.from('ours'), Number([...name.values()][0]));
    expect(structs.decodeBpfProgramName(told)).toBe('ours');
    const asked = evaluate(tools, ['linux/bpf.h'], ['offsetof(union bpf_attr, query.prog_cnt)']);
    const answered = new Uint8Array(32);
    answered[Number([...asked.values()][0])] = 7;
    expect(structs.decodeBpfQuery(answered)).toBe(7);
  });

  it('make the same device numbers', (context) => {
    const tools = toolchain(context, arch);
    const pairs = [
      [1, 3],
      [8, 300],
      [4095, 1048575],
    ] as const;
    const ours = pairs.map(([major, minor]) => [
      `makedev(${major}, ${minor})`,
      structs.makeDevice(major, minor),
    ]);
    const theirs = evaluate(
      tools,
      ['sys/sysmacros.h'],
      ours.map(([it]) => String(it)),
    );
    expect(Object.fromEntries(ours)).toEqual(numbers(theirs));
  });
});

function toolchain(context: TestContext, arch: Architecture): Toolchain {
  const tools = findToolchain(arch, directory);
  if (typeof tools === 'string') context.skip(tools);
  return tools as Toolchain;
}

/** linux/mount.h defines OPEN_TREE_CLOEXEC as O_CLOEXEC, and leaves that one to its reader. */
const withNeeded = (header: string) =>
  header === 'linux/mount.h' ? ['fcntl.h', header] : [header];

const numbers = (values: ReadonlyMap<string, bigint>) =>
  Object.fromEntries([...values].map(([name, value]) => [name, Number(value)]));

/** What is known has been compared by now; what the installed headers are too old for is named. */
function skipForUnknown(context: TestContext, names: string[], known: ReadonlyMap<string, bigint>) {
  const unknown = names.filter((name) => !known.has(name));
  if (unknown.length > 0) context.skip(`not in the installed headers: ${unknown.join(', ')}`);
}

/** constants.ts as a process of `arch` sees it. */
async function constantsFor(arch: Architecture): Promise<Record<string, number>> {
  const own = Object.getOwnPropertyDescriptor(process, 'arch') as PropertyDescriptor;
  vi.resetModules();
  Object.defineProperty(process, 'arch', { ...own, value: arch });
  try {
    return { ...(await import('./constants.ts')) } as Record<string, number>;
  } finally {
    Object.defineProperty(process, 'arch', own);
    vi.resetModules();
  }
}

/** The groups of constants.ts: the headers of the comment above, and the names below it. */
function groupsOfConstants(): { headers: string[]; names: string[] }[] {
  const source = readFileSync(join(import.meta.dirname, 'constants.ts'), 'utf8');
  return source
    .split(/^(?=\/\/ )/m)
    .slice(1)
    .map((group) => ({
      headers: [...(group.split('\n')[0] ?? '').matchAll(/[\w/-]+\.h/g)].map(([header]) => header),
      names: [...group.matchAll(/^export const (\w+)/gm)].map(([, name]) => String(name)),
    }));
}

interface Structure {
  struct: string;
  headers: string[];
  /** As we encode it, a different value in every field. */
  bytes: Uint8Array;
  fields: Record<string, number>;
}

function structures(): Structure[] {
  const capabilities = structs.encodeCapabilities({
    effective: 1n,
    permitted: 2n,
    inheritable: 3n,
  });
  return [
    {
      struct: 'struct clone_args',
      headers: ['linux/sched.h'],
      bytes: structs.encodeCloneArgs({
        flags: 0x80000001,
        pidfd: 2,
        parentTid: 3,
        exitSignal: 4,
        stack: 5,
        stackSize: 6,
        cgroup: 7,
      }),
      fields: {
        flags: 0x80000001,
        pidfd: 2,
        parent_tid: 3,
        exit_signal: 4,
        stack: 5,
        stack_size: 6,
        cgroup: 7,
      },
    },
    {
      struct: 'struct mount_attr',
      headers: ['linux/mount.h'],
      bytes: structs.encodeMountAttr({ set: 1, clear: 2, propagation: 3, userns: 4 }),
      fields: { attr_set: 1, attr_clr: 2, propagation: 3, userns_fd: 4 },
    },
    {
      struct: 'struct open_how',
      headers: ['linux/openat2.h'],
      bytes: structs.encodeOpenHow({ flags: 1, mode: 2, resolve: 3 }),
      fields: { flags: 1, mode: 2, resolve: 3 },
    },
    {
      struct: 'struct __user_cap_header_struct',
      headers: ['linux/capability.h'],
      bytes: capabilities.header,
      fields: { version: 0x20080522, pid: 0 },
    },
    {
      struct: 'struct __user_cap_data_struct',
      headers: ['linux/capability.h'],
      bytes: capabilities.data.subarray(0, 12),
      fields: { effective: 1, permitted: 2, inheritable: 3 },
    },
    {
      struct: 'struct winsize',
      headers: ['sys/ioctl.h'],
      bytes: structs.encodeWinsize({ rows: 24, columns: 300 }),
      fields: { ws_row: 24, ws_col: 300 },
    },
    {
      struct: 'struct sock_fprog',
      headers: ['linux/filter.h'],
      bytes: structs.encodeSockFprog(new Uint8Array(24)).bytes,
      fields: { len: 3, filter: 0 },
    },
    {
      struct: 'struct msghdr',
      headers: ['sys/socket.h'],
      bytes: encodeMessage(new Uint8Array(5), [7]).bytes,
      fields: { msg_name: 0, msg_iov: 0, msg_iovlen: 1, msg_control: 0, msg_controllen: 24 },
    },
    {
      struct: 'struct cmsghdr',
      headers: ['sys/socket.h'],
      bytes: controlOf(encodeMessage(new Uint8Array(5), [7])),
      fields: { cmsg_len: 20, cmsg_level: 1, cmsg_type: 1 },
    },
    {
      struct: 'struct ifreq',
      headers: ['sys/socket.h', 'linux/if.h'],
      bytes: structs.encodeInterfaceFlags('lo', 0x41),
      fields: { ifr_flags: 0x41 },
    },
    {
      // The kernel's own, which is not the C library's.
      struct: 'struct sigaction',
      headers: ['asm/signal.h'],
      bytes: spread('rtSigaction', [17, 'SIG_IGN'])[1] as Uint8Array,
      fields: { sa_handler: 1, sa_flags: 0, sa_mask: 0 },
    },
  ];
}

const controlOf = ({ links }: Linked) => {
  const control = links[1]?.to;
  return control instanceof Uint8Array ? control.subarray(0, 16) : new Uint8Array();
};

/** The size of a structure, and what `bytes` hold at the places where C has its fields. */
function placesOf(
  tools: Toolchain,
  struct: string,
  headers: string[],
  fields: string[],
  bytes: Uint8Array,
): Record<string, number> {
  const offset = (field: string) => `offsetof(${struct}, ${field})`;
  const width = (field: string) => `sizeof(((${struct} *)0)->${field})`;
  const size = `sizeof(${struct})`;
  const asked = [size, ...fields.flatMap((field) => [offset(field), width(field)])];
  const answers = evaluate(tools, headers, asked);
  const number = (expression: string) => {
    const value = answers.get(expression);
    if (value === undefined) throw new Error(`${headers.join(', ')} do not know ${expression}`);
    return Number(value);
  };
  const buffer = Buffer.from(bytes);
  const read = (field: string) => {
    const [at, length] = [number(offset(field)), number(width(field))];
    return length === 8 ? Number(buffer.readBigUInt64LE(at)) : buffer.readUIntLE(at, length);
  };
  return { size: number(size), ...Object.fromEntries(fields.map((field) => [field, read(field)])) };
}
