# The launch stub for x86-64: the code that a cloned child runs in place of JavaScript. It
# walks an array of records, makes the system call that each one describes, writes the result
# back into it, and stops at the first result that the record does not allow.
#
#   long launch(struct clone_args *args, size_t size, struct record *first)
#
# The parent gets what clone3 returned: the child's pid, or a negative errno. The child never
# returns. It leaves by execve, by an exit call of the list, with 0 at the end of the list, or
# with 127 when a result was not allowed. A record (stub.ts draws it) is 72 bytes:
#
#   s64 nr @0, below 0 ends the list · u64 args[6] @8 · u64 flags @56 · s64 result @64
#
# Registers: rbx = current record, also across clone3 (a system call changes rax, rcx and r11
# alone). It is the one callee-saved register used, so the parent saves and restores only it.
# The child leaves the stack alone. No data, no relocations: the bytes run wherever they are
# copied.
#
# clone3(2), syscall(2), syscalls(2), exit_group(2)

        .intel_syntax noprefix
        .text
        .globl  launch

        .set    RECORD_SIZE, 72
        .set    NR, 0
        .set    ARGS, 8
        .set    FLAGS, 56
        .set    RESULT, 64

        # Flag bits 8 to 10, as seen in the second byte of the flags.
        .set    RULES, FLAGS + 1
        .set    MAY_FAIL, 1 << 0
        .set    MIN1, 1 << 1
        .set    FORK, 1 << 2

        .set    RUNNING, -2147483647
        .set    __NR_clone3, 435
        .set    __NR_exit_group, 231

launch:
        endbr64                         # called through a pointer: CET wants a landing pad
        push    rbx
        mov     rbx, rdx
        mov     eax, __NR_clone3        # rdi and rsi already hold its two arguments
        syscall
        test    rax, rax
        jz      walk                    # the child; its stack may be empty
        pop     rbx
        ret

walk:
        mov     rax, [rbx + NR]
        test    rax, rax
        js      done

        # Written first: a reader from outside can then tell a call that is still waiting
        # from one that was never reached.
        mov     qword ptr [rbx + RESULT], RUNNING

        # Flag bit i says that args[i] is the address of the value, most often the result of
        # an earlier record.
        mov     rdi, [rbx + ARGS]
        test    byte ptr [rbx + FLAGS], 1 << 0
        jz      1f
        mov     rdi, [rdi]
1:      mov     rsi, [rbx + ARGS + 8]
        test    byte ptr [rbx + FLAGS], 1 << 1
        jz      2f
        mov     rsi, [rsi]
2:      mov     rdx, [rbx + ARGS + 16]
        test    byte ptr [rbx + FLAGS], 1 << 2
        jz      3f
        mov     rdx, [rdx]
3:      mov     r10, [rbx + ARGS + 24]  # the fourth: syscall itself overwrites rcx
        test    byte ptr [rbx + FLAGS], 1 << 3
        jz      4f
        mov     r10, [r10]
4:      mov     r8, [rbx + ARGS + 32]
        test    byte ptr [rbx + FLAGS], 1 << 4
        jz      5f
        mov     r8, [r8]
5:      mov     r9, [rbx + ARGS + 40]
        test    byte ptr [rbx + FLAGS], 1 << 5
        jz      6f
        mov     r9, [r9]
6:      syscall

        # 0 from a FORK record means that this is the new child. The record's result belongs
        # to the process that cloned, and the list goes on here.
        test    rax, rax
        jnz     report
        test    byte ptr [rbx + RULES], FORK
        jnz     next

report:
        mov     [rbx + RESULT], rax
        test    byte ptr [rbx + RULES], MAY_FAIL
        jnz     allowed
        cmp     rax, -4095              # unsigned: addresses from mmap are no errors
        jae     stop
allowed:
        test    byte ptr [rbx + RULES], MIN1
        jz      enough
        cmp     rax, 1                  # a read of 0 bytes: whoever was to write has gone
        jl      stop
enough:
        test    byte ptr [rbx + RULES], FORK
        jz      next
        test    rax, rax                # below 0 with MAY_FAIL: no child, so go on here
        jg      done
next:
        add     rbx, RECORD_SIZE
        jmp     walk

stop:
        mov     edi, 127
        jmp     leave
done:
        xor     edi, edi
leave:
        mov     eax, __NR_exit_group
        syscall
        ud2                             # a seccomp filter of the list can refuse exit_group
