/**
 * Direct calls: `kernel.mount(...)` makes the call now, on the thread that runs JavaScript. Each
 * returns the kernel's result, a number of zero or more, and throws SyscallError otherwise.
 * What would leave this process half moved (setns and unshare into a user namespace, execve) does
 * not belong here: such calls are lines of a launch program.
 */
import { type Argument, spread } from './arguments.ts';
import { architecture, rawSyscall } from './libc.ts';
import { type Memory, mapMemory, placeArgument } from './memory.ts';
import { type CallName, signatures } from './signatures.ts';
import { SyscallError } from './syscall-error.ts';
import type { Syscalls } from './syscalls.ts';

let scratch: Memory | undefined;

function makeCall(name: CallName, args: readonly Argument[]): number {
  scratch ??= mapMemory(256 * 1024);
  scratch.used = 0;
  const memory = scratch;
  const words = args.map((argument) => placeArgument(memory, argument));
  const result = rawSyscall(signatures[name][architecture()], words);
  if (!isFailure(result)) copyBack(memory, args, words);
  return result;
}

const isFailure = (result: number) => result < 0 && result > -4096;

/** What the kernel wrote goes back into the caller's bytes. */
function copyBack(memory: Memory, args: readonly Argument[], words: readonly number[]): void {
  args.forEach((argument, i) => {
    if (!(argument instanceof Uint8Array)) return;
    const offset = (words[i] ?? 0) - memory.address;
    argument.set(memory.bytes.subarray(offset, offset + argument.length));
  });
}

const callsOf = (answer: (name: CallName, args: readonly Argument[], result: number) => number) =>
  Object.fromEntries(
    (Object.keys(signatures) as CallName[]).map((name) => [
      name,
      (...given: unknown[]) => {
        const args = spread(name, given);
        return answer(name, args, makeCall(name, args));
      },
    ]),
  ) as unknown as Syscalls<number, number>;

export const kernel = callsOf((name, args, result) => {
  if (isFailure(result)) throw new SyscallError(name, args, -result);
  return result;
});

/** The same calls for whom a failure is an answer: the error's number, negative, is returned. */
export const attempt = callsOf((_name, _args, result) => result);
