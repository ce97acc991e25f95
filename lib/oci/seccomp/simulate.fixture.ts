/**
 * What a classic BPF program answers, worked out as the kernel's machine would: for asking a filter
 * about every system call there is, without making one. kernel Documentation/networking/filter.rst
 */

export interface SyscallData {
  arch: number;
  nr: number;
  args?: readonly bigint[];
}

/** The answer to `data`. Throws where the program does what a filter must not. */
export function simulate(program: Uint8Array, { arch, nr, args = [] }: SyscallData): number {
  const code = Buffer.from(program);
  const data = Buffer.alloc(64);
  data.writeUInt32LE(nr >>> 0, 0);
  data.writeUInt32LE(arch, 4);
  args.forEach((value, i) => void data.writeBigUInt64LE(BigInt.asUintN(64, value), 16 + 8 * i));
  let accumulator = 0;
  for (let at = 0; at * 8 < code.length; at++) {
    const operation = code.readUInt16LE(at * 8);
    const [yes, no] = [code.readUInt8(at * 8 + 2), code.readUInt8(at * 8 + 3)];
    const value = code.readUInt32LE(at * 8 + 4);
    const jump = (holds: boolean) => {
      at += holds ? yes : no;
    };
    switch (operation) {
      case 0x20:
        accumulator = data.readUInt32LE(value);
        break;
      case 0x54:
        accumulator = (accumulator & value) >>> 0;
        break;
      case 0x05:
        at += value;
        break;
      case 0x15:
        jump(accumulator === value);
        break;
      case 0x25:
        jump(accumulator > value);
        break;
      case 0x35:
        jump(accumulator >= value);
        break;
      case 0x45:
        jump((accumulator & value) !== 0);
        break;
      case 0x06:
        return value;
      case 0x16:
        return accumulator;
      default:
        throw new Error(`instruction ${at}: unknown code ${operation.toString(16)}`);
    }
  }
  throw new Error('the program runs over its end');
}
