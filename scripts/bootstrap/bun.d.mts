/** The path of the pinned Bun, installed first where it is missing. Throws InstallError. */
export function pinnedBun(root: string, say: (line: string) => void): Promise<string>;
