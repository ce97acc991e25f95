/*
 * Runs the launch stub outside of Node, so that a test can drive it on an architecture that is
 * only emulated:  driver ARENA STUB WALK
 *
 * ARENA is a file that the test has laid out: a struct clone_args, then the records, then what
 * they point at. It is mapped shared at ARENA_ADDRESS, so its addresses are known beforehand
 * and the test reads the results in the file afterwards. STUB is a file with the bytes to run;
 * WALK is the offset of their second entry, in decimal, taken where launch answers ENOSYS, as
 * qemu-user does for clone3.
 *
 * Says on stderr `launch RESULT`, then `walk` if that was taken. Exits as the child did, 128 +
 * signal where a signal ended it, 0 where launch failed otherwise, 99 if the driver cannot work.
 *
 * clone3(2), mmap(2), mprotect(2), waitpid(2)
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARENA_ADDRESS ((char *)0x1000000000)
#define CLONE_ARGS_SIZE 88

typedef long (*launch_t)(void *args, size_t size, void *first);

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

/* Goes to `walk` with the register that it expects; only in a process of its own. */
static void walk_from(char *entry, char *first)
{
#if defined(__aarch64__)
	asm volatile("mov x9, %0\n\tbr %1" : : "r"(first), "r"(entry) : "x9");
#elif defined(__x86_64__)
	asm volatile("mov %0, %%rbx\n\tjmp *%1" : : "r"(first), "r"(entry) : "rbx");
#endif
	__builtin_unreachable();
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 99;
	char *arena = map(argv[1], ARENA_ADDRESS, MAP_SHARED);
	char *stub = map(argv[2], NULL, MAP_PRIVATE);
	char *first = arena + CLONE_ARGS_SIZE;

	if (mprotect(stub, 1, PROT_READ | PROT_EXEC) < 0)
		return 99;

	/* Six values across the call fill x86-64's callee-saved registers: none may be lost. */
	volatile long one = 1;
	long a = one, b = a + one, c = b + one, d = c + one, e = d + one, f = e + one;
	asm volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f));
	long pid = ((launch_t)stub)(arena, CLONE_ARGS_SIZE, first);
	asm volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f));
	if (a != 1 || b != 2 || c != 3 || d != 4 || e != 5 || f != 6) {
		fprintf(stderr, "a callee-saved register is lost\n");
		return 99;
	}
	fprintf(stderr, "launch %ld\n", pid);

	if (pid == -ENOSYS) {
		fprintf(stderr, "walk\n");
		pid = fork();
		if (pid == 0)
			walk_from(stub + atoi(argv[3]), first);
	}
	if (pid < 0)
		return 0;

	int status;
	if (waitpid(pid, &status, 0) < 0) {
		perror("waitpid");
		return 99;
	}
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
