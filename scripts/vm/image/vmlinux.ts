/**
 * The kernel proper inside a bzImage: an ELF file, which QEMU boots without waiting for the guest to
 * unpack it. Debian compresses it with xz.
 *
 * Documentation/arch/x86/boot.rst: setup_sects at 0x1f1, "HdrS" at 0x202, payload_offset at 0x248,
 * payload_length at 0x24c.
 */

import { readFile } from 'node:fs/promises';
import { ImageError } from './image-error.ts';
import { runTool } from './run-tool.ts';

const XZ = Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]);

/** Writes the ELF file in the bzImage `vmlinuz` to `target`. Throws ImageError. */
export async function extractVmlinux(
  vmlinuz: string,
  target: string,
  signal?: AbortSignal,
): Promise<void> {
  const payload = findPayload(await readFile(vmlinuz));
  if (payload === null) throw new ImageError(`${vmlinuz}: not a bzImage with an xz payload`);
  // The build appends the unpacked size to the payload: not xz' own, hence one stream only.
  await runTool('xz', ['--decompress', '--stdout', '--single-stream'], {
    input: payload,
    output: target,
    signal,
  });
}

/** The compressed kernel in a bzImage; null for what is none, or is compressed in another way. */
export function findPayload(image: Buffer): Buffer | null {
  if (image.length < 0x250 || image.toString('latin1', 0x202, 0x206) !== 'HdrS') return null;
  const protectedMode = ((image[0x1f1] || 4) + 1) * 512;
  const start = protectedMode + image.readUInt32LE(0x248);
  const payload = image.subarray(start, start + image.readUInt32LE(0x24c));
  return payload.subarray(0, XZ.length).equals(XZ) ? payload : null;
}
