/**
 * On x86 the calls of sockets and of System V IPC can also be made through one call each, whose
 * first argument says which is meant. Its others are behind a pointer, where no filter sees them.
 *
 * socketcall(2), ipc(2); linux/net.h, linux/ipc.h
 */
import type { Condition } from './conditions.ts';

const SOCKETCALL = [
  '',
  'socket',
  'bind',
  'connect',
  'listen',
  'accept',
  'getsockname',
  'getpeername',
  'socketpair',
  'send',
  'recv',
  'sendto',
  'recvfrom',
  'shutdown',
  'setsockopt',
  'getsockopt',
  'sendmsg',
  'recvmsg',
  'accept4',
  'recvmmsg',
  'sendmmsg',
];

const IPC: Readonly<Record<string, number>> = {
  semop: 1,
  semget: 2,
  semctl: 3,
  semtimedop: 4,
  msgsnd: 11,
  msgrcv: 12,
  msgget: 13,
  msgctl: 14,
  shmat: 21,
  shmdt: 22,
  shmget: 23,
  shmctl: 24,
};

/** The call that `name` can be made through on x86, and what its first argument is then. */
export function multiplexedBy(name: string): { through: string; condition: Condition } | null {
  const operator = 'SCMP_CMP_MASKED_EQ';
  const socket = SOCKETCALL.indexOf(name);
  if (socket > 0) {
    const condition = { index: 0, operator, value: BigInt(socket), mask: 0xffff_ffffn } as const;
    return { through: 'socketcall', condition };
  }
  const ipc = IPC[name];
  if (ipc === undefined) return null;
  // The upper half is a version, which the kernel takes off.
  const condition = { index: 0, operator, value: BigInt(ipc), mask: 0xffffn } as const;
  return { through: 'ipc', condition };
}
