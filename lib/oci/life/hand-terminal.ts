/**
 * What becomes of a terminal's master that was taken from a container: it gets its size and goes to
 * whoever listens on the console socket, or to this process itself.
 */
import { closeSync } from 'node:fs';
import { setWindowSize } from '../../launch/pty.ts';
import { sendTerminal } from '../console.ts';

export interface MasterReceiver {
  size?: { height: number; width: number } | undefined;
  consoleSocket?: string | undefined;
  onTerminal?: ((master: number) => void) | undefined;
}

export function handTerminal(master: number, receiver: MasterReceiver): void {
  const { size, consoleSocket, onTerminal } = receiver;
  if (size) setWindowSize(master, { rows: size.height, columns: size.width });
  if (!consoleSocket) {
    onTerminal?.(master);
    return;
  }
  try {
    sendTerminal(consoleSocket, master, '/dev/ptmx');
  } finally {
    closeSync(master);
  }
}
