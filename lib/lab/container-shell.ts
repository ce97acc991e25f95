/**
 * Typing into a container's shell through pipes: each command is followed by a line that prints a
 * mark, so that its end is known. The shell's two output streams are one, as on a terminal.
 */
import { randomBytes } from 'node:crypto';
import type { Readable, Writable } from 'node:stream';

export interface ContainerShell {
  /** What `command` printed, without the last newline. What is left, if the shell ends first. */
  type(command: string): Promise<string>;
  /** Closes the input; everything that was printed and not yet handed out, until the end. */
  rest(): Promise<string>;
}

export function openContainerShell(input: Writable, output: Readable): ContainerShell {
  const mark = `end-${randomBytes(6).toString('hex')}`;
  let text = '';
  let ended = false;
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const resolve of waiting) resolve();
    waiting.clear();
  };
  output.setEncoding('utf8');
  output.on('data', (chunk: string) => {
    text += chunk;
    wake();
  });
  output.on('close', () => {
    ended = true;
    wake();
  });
  // A container that ends with unread input breaks the pipe; its exit status tells the rest.
  input.on('error', () => {});

  const until = async (stop: () => boolean) => {
    while (!ended && !stop()) {
      await new Promise<void>((resolve) => {
        waiting.add(resolve);
      });
    }
  };
  const take = (length: number) => {
    const taken = text.slice(0, length);
    text = text.slice(length);
    return taken;
  };

  return {
    type: async (command) => {
      input.write(`${command}\necho; echo ${mark}\n`);
      const line = `\n${mark}\n`;
      await until(() => text.includes(line));
      const at = text.indexOf(line);
      if (at < 0) return take(text.length).replace(/\n$/, '');
      const printed = take(at);
      take(line.length);
      return printed.replace(/\n$/, '');
    },
    rest: async () => {
      input.end();
      await until(() => false);
      return take(text.length);
    },
  };
}
