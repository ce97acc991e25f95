// The launch stub for arm64: the code that a cloned child runs in place of JavaScript. It
// walks an array of records, makes the system call that each one describes, writes the result
// back into it, and stops at the first result that the record does not allow.
//
//   long launch(struct clone_args *args, size_t size, struct record *first)
//
// The parent gets what clone3 returned: the child's pid, or a negative errno. The child never
// returns. It leaves by execve, by an exit call of the list, with 0 at the end of the list, or
// with 127 when a result was not allowed. A record (stub.ts draws it) is 72 bytes:
//
//   s64 nr @0, below 0 ends the list · u64 args[6] @8 · u64 flags @56 · s64 result @64
//
// Registers: x9 = current record, x10 = its flags, both also across svc: a system call
// changes x0 alone. None of those used is callee-saved, so nothing is saved and the stack is
// left alone. No data, no relocations: the bytes run wherever they are copied.
//
// clone3(2), syscall(2), syscalls(2), exit_group(2)

        .text
        .globl  launch

        .set    RECORD_SIZE, 72
        .set    NR, 0
        .set    ARGS, 8
        .set    FLAGS, 56
        .set    RESULT, 64

        // Bit numbers in the flags.
        .set    MAY_FAIL, 8
        .set    MIN1, 9
        .set    FORK, 10

        .set    RUNNING, -2147483647
        .set    __NR_clone3, 435
        .set    __NR_exit_group, 94

launch:
        mov     x9, x2
        mov     x8, #__NR_clone3        // x0 and x1 already hold its two arguments
        svc     #0
        cbz     x0, walk                // the child
        ret

walk:
        ldr     x8, [x9, #NR]
        tbnz    x8, #63, done

        // Written first: a reader from outside can then tell a call that is still waiting
        // from one that was never reached.
        mov     x11, #RUNNING
        str     x11, [x9, #RESULT]

        // Flag bit i says that args[i] is the address of the value, most often the result of
        // an earlier record.
        ldr     x10, [x9, #FLAGS]
        ldp     x0, x1, [x9, #ARGS]
        ldp     x2, x3, [x9, #ARGS + 16]
        ldp     x4, x5, [x9, #ARGS + 32]
        tbz     x10, #0, 1f
        ldr     x0, [x0]
1:      tbz     x10, #1, 2f
        ldr     x1, [x1]
2:      tbz     x10, #2, 3f
        ldr     x2, [x2]
3:      tbz     x10, #3, 4f
        ldr     x3, [x3]
4:      tbz     x10, #4, 5f
        ldr     x4, [x4]
5:      tbz     x10, #5, 6f
        ldr     x5, [x5]
6:      svc     #0

        // 0 from a FORK record means that this is the new child. The record's result belongs
        // to the process that cloned, and the list goes on here.
        cbnz    x0, report
        tbnz    x10, #FORK, next

report:
        str     x0, [x9, #RESULT]
        tbnz    x10, #MAY_FAIL, allowed
        cmn     x0, #4095               // unsigned: addresses from mmap are no errors
        b.hs    stop
allowed:
        tbz     x10, #MIN1, enough
        cmp     x0, #1                  // a read of 0 bytes: whoever was to write has gone
        b.lt    stop
enough:
        tbz     x10, #FORK, next
        cmp     x0, #0                  // below 0 with MAY_FAIL: no child, so go on here
        b.gt    done
next:
        add     x9, x9, #RECORD_SIZE
        b       walk

stop:
        mov     x0, #127
        b       leave
done:
        mov     x0, #0
leave:
        mov     x8, #__NR_exit_group
        svc     #0
        brk     #0                      // a seccomp filter of the list can refuse exit_group
