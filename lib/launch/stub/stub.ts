/**
 * The launch stub: the machine code that a cloned child runs in place of JavaScript, which
 * cannot survive a clone. It walks an array of records, makes the system call of each, and
 * writes the result back, so that whoever maps the same memory sees how far the child came.
 * `x86-64.s` and `arm64.s` are its source, with the contract; here are their bytes, and the
 * layout of the records as both know it.
 *
 *   long launch(struct clone_args *args, size_t size, struct record *first)
 *
 * Copy the bytes while the mapping is writable and let mprotect(PROT_READ | PROT_EXEC) follow:
 * on arm64 it is the kernel that then brings the instruction cache up to date.
 *
 * Manual pages: clone3(2), syscall(2), mmap(2), mprotect(2), _exit(2).
 */

/*
 * One record, little endian, on an address that is a multiple of 8:
 *
 *   0        8                       56       64        72
 *   ├────────┼────┬────┬─ ─ ─┬───────┼────────┼─────────┤
 *   │ nr     │ a0 │ a1 │     │ a5    │ flags  │ result  │
 *   │ s64    │ u64 × 6               │ u64    │ s64     │
 *   └────────┴────┴────┴─ ─ ─┴───────┴────────┴─────────┘
 *                                      │        └ UNTOUCHED → RUNNING → what the call returned
 *                                      └ bit 0–5: that argument is the address of its value
 *                                        bit 8 MAY_FAIL · bit 9 MIN1 · bit 10 FORK
 */
export const RECORD_SIZE = 72;
export const NR_OFFSET = 0;
export const ARGS_OFFSET = 8;
export const FLAGS_OFFSET = 56;
export const RESULT_OFFSET = 64;

/** Any number below 0 in `nr` ends the list: the child exits with 0. */
export const END = -1n;

/** A result in [-4095, -1], a negative errno, does not stop the list. */
export const MAY_FAIL = 1 << 8;
/** A result below 1 stops the list, an end of file as well as an error; MAY_FAIL or not. */
export const MIN1 = 1 << 9;
/**
 * The call is a clone that keeps the stack: the list goes on in the new child, and the process
 * that cloned writes the result, the child's pid, and exits with 0.
 */
export const FORK = 1 << 10;

/** The flag which says that `args[index]`, 0 to 5, is the address of a 64-bit value to load. */
export function flagOfAddress(index: number): number {
  return 1 << index;
}

/** The child's exit status when a result was not allowed; the record holds that result. */
export const EXIT_STOPPED = 127;

/** In `result` when the list is laid out: the stub has not come here. Never a real result. */
export const UNTOUCHED = -2147483648n;
/** In `result` while the call is made; it stays there when execve or an exit succeeds. */
export const RUNNING = -2147483647n;

/** The stub's bytes by `process.arch`: no relocations, no data, the entry is the first byte. */
export const STUB: Record<'x64' | 'arm64', Uint8Array> = {
  x64: fromHex([
    // launch:
    'f30f1efa', // endbr64
    '53', // push rbx
    '4889d3', // mov rbx, rdx
    'b8b3010000', // mov eax, __NR_clone3
    '0f05', // syscall
    '4885c0', // test rax, rax
    '7402', // jz walk
    '5b', // pop rbx
    'c3', // ret
    // walk:
    '488b03', // mov rax, [rbx + NR]
    '4885c0', // test rax, rax
    '0f889c000000', // js done
    '48c7434001000080', // mov qword ptr [rbx + RESULT], RUNNING
    '488b7b08', // mov rdi, [rbx + ARGS]
    'f6433801', // test byte ptr [rbx + FLAGS], 1 << 0
    '7403', // jz 1f
    '488b3f', // mov rdi, [rdi]
    '488b7310', // 1: mov rsi, [rbx + ARGS + 8]
    'f6433802', // test byte ptr [rbx + FLAGS], 1 << 1
    '7403', // jz 2f
    '488b36', // mov rsi, [rsi]
    '488b5318', // 2: mov rdx, [rbx + ARGS + 16]
    'f6433804', // test byte ptr [rbx + FLAGS], 1 << 2
    '7403', // jz 3f
    '488b12', // mov rdx, [rdx]
    '4c8b5320', // 3: mov r10, [rbx + ARGS + 24]
    'f6433808', // test byte ptr [rbx + FLAGS], 1 << 3
    '7403', // jz 4f
    '4d8b12', // mov r10, [r10]
    '4c8b4328', // 4: mov r8, [rbx + ARGS + 32]
    'f6433810', // test byte ptr [rbx + FLAGS], 1 << 4
    '7403', // jz 5f
    '4d8b00', // mov r8, [r8]
    '4c8b4b30', // 5: mov r9, [rbx + ARGS + 40]
    'f6433820', // test byte ptr [rbx + FLAGS], 1 << 5
    '7403', // jz 6f
    '4d8b09', // mov r9, [r9]
    '0f05', // 6: syscall
    '4885c0', // test rax, rax
    '7506', // jnz report
    'f6433904', // test byte ptr [rbx + RULES], FORK
    '7529', // jnz next
    // report:
    '48894340', // mov [rbx + RESULT], rax
    'f6433901', // test byte ptr [rbx + RULES], MAY_FAIL
    '7508', // jnz allowed
    '483d01f0ffff', // cmp rax, -4095
    '7320', // jae stop
    // allowed:
    'f6433902', // test byte ptr [rbx + RULES], MIN1
    '7406', // jz enough
    '4883f801', // cmp rax, 1
    '7c14', // jl stop
    // enough:
    'f6433904', // test byte ptr [rbx + RULES], FORK
    '7405', // jz next
    '4885c0', // test rax, rax
    '7f10', // jg done
    // next:
    '4883c348', // add rbx, RECORD_SIZE
    'e95fffffff', // jmp walk
    // stop:
    'bf7f000000', // mov edi, 127
    'eb02', // jmp leave
    // done:
    '31ff', // xor edi, edi
    // leave:
    'b8e7000000', // mov eax, __NR_exit_group
    '0f05', // syscall
    '0f0b', // ud2
  ]),
  arm64: fromHex([
    // launch:
    'e90302aa', // mov x9, x2
    '683680d2', // mov x8, #__NR_clone3
    '010000d4', // svc #0
    '400000b4', // cbz x0, walk
    'c0035fd6', // ret
    // walk:
    '280140f9', // ldr x8, [x9, #NR]
    '8804f8b7', // tbnz x8, #63, done
    'eb8761b2', // mov x11, #RUNNING
    '2b2100f9', // str x11, [x9, #RESULT]
    '2a1d40f9', // ldr x10, [x9, #FLAGS]
    '208540a9', // ldp x0, x1, [x9, #ARGS]
    '228d41a9', // ldp x2, x3, [x9, #ARGS + 16]
    '249542a9', // ldp x4, x5, [x9, #ARGS + 32]
    '4a000036', // tbz x10, #0, 1f
    '000040f9', // ldr x0, [x0]
    '4a000836', // 1: tbz x10, #1, 2f
    '210040f9', // ldr x1, [x1]
    '4a001036', // 2: tbz x10, #2, 3f
    '420040f9', // ldr x2, [x2]
    '4a001836', // 3: tbz x10, #3, 4f
    '630040f9', // ldr x3, [x3]
    '4a002036', // 4: tbz x10, #4, 5f
    '840040f9', // ldr x4, [x4]
    '4a002836', // 5: tbz x10, #5, 6f
    'a50040f9', // ldr x5, [x5]
    '010000d4', // 6: svc #0
    '400000b5', // cbnz x0, report
    '6a015037', // tbnz x10, #FORK, next
    // report:
    '202100f9', // str x0, [x9, #RESULT]
    '6a004037', // tbnz x10, #MAY_FAIL, allowed
    '1ffc3fb1', // cmn x0, #4095
    '22010054', // b.hs stop
    // allowed:
    '6a004836', // tbz x10, #MIN1, enough
    '1f0400f1', // cmp x0, #1
    'cb000054', // b.lt stop
    // enough:
    '6a005036', // tbz x10, #FORK, next
    '1f0000f1', // cmp x0, #0
    'ac000054', // b.gt done
    // next:
    '29210191', // add x9, x9, #RECORD_SIZE
    'deffff17', // b walk
    // stop:
    'e00f80d2', // mov x0, #127
    '02000014', // b leave
    // done:
    '000080d2', // mov x0, #0
    // leave:
    'c80b80d2', // mov x8, #__NR_exit_group
    '010000d4', // svc #0
    '000020d4', // brk #0
  ]),
};

function fromHex(instructions: string[]): Uint8Array {
  return new Uint8Array(Buffer.from(instructions.join(''), 'hex'));
}
