/** Thrown by the first kernel call on a system that has no Linux kernel or no stub. */
export class KernelUnavailable extends Error {
  platform: string;
  arch: string;
  constructor(platform: string, arch: string) {
    super(
      `unboxed calls the Linux kernel on x86-64 or arm64; this is ${platform} on ${arch}: ` +
        'run it in a Linux virtual machine',
    );
    this.name = 'KernelUnavailable';
    this.platform = platform;
    this.arch = arch;
  }
}
