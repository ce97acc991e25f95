/**
 * /proc/PID/status: who a process is (ids in every pid namespace that it lives in), what it may do
 * (capabilities, no_new_privs, seccomp) and what it does with signals. Masks are bit sets: bit n of
 * a capability mask is capability n, bit n-1 of a signal mask is signal n.
 *
 * proc_pid_status(5), capabilities(7), signal(7)
 */
import { type ProcId, readProcFile } from './proc-file.ts';

export interface Status {
  /** The command name, at most 15 bytes. */
  name: string;
  /** One letter: R, S, D, T, t, Z, X, I. */
  state: string;
  pid: number;
  ppid: number;
  /** The pid in our pid namespace, then in each one further in; the last is its own view. */
  nsPid: number[];
  /** Real, effective, saved, file system. */
  uid: number[];
  gid: number[];
  groups: number[];
  capInh: bigint;
  capPrm: bigint;
  capEff: bigint;
  capBnd: bigint;
  capAmb: bigint;
  sigBlk: bigint;
  sigIgn: bigint;
  sigCgt: bigint;
  noNewPrivs: boolean;
  /** 0 none, 1 strict, 2 filter. */
  seccomp: number;
  threads: number;
}

/** Throws ObserveError when there is no such process. */
export function readStatus(pid: ProcId): Status {
  return parseStatus(readProcFile(`/proc/${pid}/status`));
}

/** The text of a status file. A mask that the kernel does not report (a zombie's) reads as 0. */
export function parseStatus(text: string): Status {
  const fields = new Map<string, string>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  const numbers = (key: string) => (fields.get(key) ?? '').split(/\s+/).filter(Boolean).map(Number);
  const number = (key: string) => numbers(key)[0] ?? 0;
  const mask = (key: string) => BigInt(`0x${fields.get(key) ?? '0'}`);
  return {
    name: decodeName(fields.get('Name') ?? ''),
    state: (fields.get('State') ?? '').charAt(0),
    pid: number('Pid'),
    ppid: number('PPid'),
    nsPid: fields.has('NSpid') ? numbers('NSpid') : numbers('Pid'),
    uid: numbers('Uid'),
    gid: numbers('Gid'),
    groups: numbers('Groups'),
    capInh: mask('CapInh'),
    capPrm: mask('CapPrm'),
    capEff: mask('CapEff'),
    capBnd: mask('CapBnd'),
    capAmb: mask('CapAmb'),
    sigBlk: mask('SigBlk'),
    sigIgn: mask('SigIgn'),
    sigCgt: mask('SigCgt'),
    noNewPrivs: number('NoNewPrivs') === 1,
    seccomp: number('Seccomp'),
    threads: number('Threads'),
  };
}

/** A newline in a command name is written `\n`, a backslash `\\`, so that one line stays one. */
function decodeName(text: string): string {
  return text.replace(/\\(n|\\)/g, (_, mark) => (mark === 'n' ? '\n' : '\\'));
}
