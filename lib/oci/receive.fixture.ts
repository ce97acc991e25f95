/**
 * The other end of a UNIX socket over which a descriptor comes: a C program that receives one, says
 * what came with it, and does with it what the test wants. For tests; needs a C compiler.
 *
 * unix(7), seccomp_unotify(2)
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * What to do with the descriptor: answer one notification of a seccomp filter with 4242; or take it
 * for a terminal's master, type `text` if there is one, and print all that comes from it.
 */
export type Use = 'answer' | { typing: string };

export interface Receiver {
  path: string;
  /** First a line with the data that came along, then what `use` prints. */
  output: Promise<string>;
}

/** Listens on a socket in `directory`. */
export async function receive(directory: string, use: Use): Promise<Receiver> {
  const source = join(directory, 'receive.c');
  const program = join(directory, 'receive');
  const path = join(directory, 'socket');
  writeFileSync(source, SOURCE);
  execFileSync('cc', ['-o', program, source]);
  const args = use === 'answer' ? [path, 'answer'] : [path, 'terminal', use.typing];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const output = Promise.all([text(child.stdout), once(child, 'exit')]).then(([it]) => it);
  while (!existsSync(path) && child.exitCode === null) await delay(5);
  return { path, output };
}

const SOURCE = `
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
int main(int argc, char **argv) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  char data[65536], control[256], waiting[128];
  alarm(60);
  snprintf(waiting, sizeof waiting, "%s.new", argv[1]);
  strcpy(address.sun_path, waiting);
  int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  if (bind(listener, (void *)&address, sizeof address) || listen(listener, 1)) return 1;
  if (rename(waiting, argv[1])) return 1;
  int peer = accept(listener, NULL, NULL);
  struct iovec piece = {data, sizeof data - 1};
  struct msghdr message = {0};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  long length = recvmsg(peer, &message, 0);
  if (length < 0 || !CMSG_FIRSTHDR(&message)) return 2;
  data[length] = 0;
  printf("%s\\n", data);
  fflush(stdout);
  int fd = *(int *)CMSG_DATA(CMSG_FIRSTHDR(&message));
  if (!strcmp(argv[2], "answer")) {
    struct seccomp_notif asked = {0};
    struct seccomp_notif_resp answer = {0};
    if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &asked)) return 3;
    printf("%d\\n", asked.data.nr);
    answer.id = asked.id;
    answer.val = 4242;
    return ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &answer) ? 4 : 0;
  }
  if (argv[3][0]) write(fd, argv[3], strlen(argv[3]));
  while ((length = read(fd, data, sizeof data)) > 0) fwrite(data, 1, length, stdout);
  return 0;
}
`;
