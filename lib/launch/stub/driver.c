/*
 * Runs the launch stub outside of Node, so that a test can drive it on an architecture that is
 * only emulated:  driver clone3|clone ARENA STUB
 *
 * ARENA is a file that the test has laid out: a struct clone_args, then the records, then what
 * they point at. It is mapped shared at ARENA_ADDRESS, so its addresses are known beforehand
 * and the test reads the results in the file afterwards. STUB is a file with the bytes to run.
 * With `clone` these make that call where the real ones make clone3, which qemu-user does not
 * have; the stub's three arguments are then clone's flags, its stack, and one it ignores.
 *
 * Says `launch RESULT` on stderr. Exits as the child did, 128 + signal where a signal ended it,
 * 0 where there is no child, 99 if the driver itself cannot work.
 *
 * clone(2), mmap(2), mprotect(2), waitpid(2)
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARENA_ADDRESS ((char *)0x1000000000)
_Static_assert(sizeof(struct clone_args) == 88, "driver.ts lays the records behind 88 bytes");

typedef long (*launch_t)(unsigned long args, unsigned long size, void *first);

static void *map(const char *path, void *address, int flags)
{
	struct stat stat;
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &stat) < 0) {
		perror(path);
		exit(99);
	}
	char *mapped = mmap(address, stat.st_size, PROT_READ | PROT_WRITE, flags, fd, 0);
	if (mapped == MAP_FAILED || (address && mapped != address)) {
		perror("mmap");
		exit(99);
	}
	close(fd);
	return mapped;
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 99;
	struct clone_args *args = map(argv[2], ARENA_ADDRESS, MAP_SHARED);
	char *stub = map(argv[3], NULL, MAP_PRIVATE);
	unsigned long first_argument = (unsigned long)args;
	unsigned long second_argument = sizeof *args;

	if (strcmp(argv[1], "clone") == 0) {
		first_argument = args->flags | args->exit_signal;
		second_argument = args->stack + args->stack_size;
	}
	if (mprotect(stub, 1, PROT_READ | PROT_EXEC) < 0)
		return 99;

	/* Six values across the call fill x86-64's callee-saved registers: none may be lost. */
	volatile long one = 1;
	long a = one, b = a + one, c = b + one, d = c + one, e = d + one, f = e + one;
	asm volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f));
	long pid = ((launch_t)stub)(first_argument, second_argument, args + 1);
	asm volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f));
	if (a != 1 || b != 2 || c != 3 || d != 4 || e != 5 || f != 6) {
		fprintf(stderr, "a callee-saved register is lost\n");
		return 99;
	}
	fprintf(stderr, "launch %ld\n", pid);

	if (pid < 0)
		return 0;

	int status;
	if (waitpid(pid, &status, 0) < 0) {
		perror("waitpid");
		return 99;
	}
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
