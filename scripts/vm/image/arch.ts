/** The processors that guests are made for, and what each is called by whom. */
export type Arch = 'amd64' | 'arm64';

/** Says one line about what goes on. */
export type Say = (line: string) => void;

/** The names that Node and npm use: `process.arch`, `npm ci --cpu`. */
export const NODE_ARCH = { amd64: 'x64', arm64: 'arm64' } as const satisfies Record<Arch, string>;

/** This machine's, when it is one of them: what is built for it needs no emulation. */
export function hostArch(): Arch | null {
  return process.arch === 'x64' ? 'amd64' : process.arch === 'arm64' ? 'arm64' : null;
}
