/** The guided steps of lab 00, in the order of its reading. */
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { kernel } from '../../lib/kernel/call.ts';
import { AT_FDCWD, O_RDONLY, SIGPIPE, SIGXFSZ } from '../../lib/kernel/constants.ts';
import { defineLab } from '../../lib/lab/lab.ts';
import { explainProgram } from '../../lib/launch/explain.ts';
import { formatRows } from '../../lib/launch/explain-text.ts';
import { inspectHost } from '../../lib/observe/host/inspect.ts';
import { blockers, LABS } from '../../lib/observe/host/requirements.ts';
import { describeHost } from '../../lib/observe/host/table.ts';
import * as before from './before.ts';

export default defineLab({
  steps: {
    host: {
      title: 'What this kernel offers',
      run: async ({ show }) => {
        const facts = inspectHost();
        for (const { title, rows } of describeHost(facts)) {
          show(
            [title, ...rows.map(({ label, value }) => `  ${label.padEnd(24)} ${value}`)].join('\n'),
          );
        }
        show('Labs');
        for (const lab of LABS) {
          const blocked = blockers(facts, lab).map(({ what }) => what);
          show(`  lab:${lab}  ${blocked.join('; ') || 'ready'}`);
        }
      },
    },
    namespaces: {
      title: 'The namespaces of a shell',
      run: async ({ host }) => {
        await host`readlink /proc/self/ns/* | sort`;
      },
    },
    bare: {
      title: 'A bare execve',
      run: async ({ subject, host }) => {
        const path = join(dirname(subject.rootfs), 'secret');
        writeFileSync(path, 'nobody was meant to read this\n');
        // As a careless library opens a file: without O_CLOEXEC.
        const descriptor = kernel.openat(AT_FDCWD, path, O_RDONLY);
        await host`rm secret; ls secret`;
        // As Node starts; a package that watches for signals may have changed it since.
        for (const signal of [SIGPIPE, SIGXFSZ]) kernel.rtSigaction(signal, 'SIG_IGN');
        await using box = await subject.under(before, 'a bare execve').start();
        await host`grep -E '^Sig(Blk|Ign)' /proc/${box.pid}/status`;
        await host`ls /proc/${box.pid}/fd`;
        await box.type(`cat /proc/self/fd/${descriptor}`);
        kernel.close(descriptor);
      },
    },
    list: {
      title: 'The list of calls',
      run: async ({ subject, show }) => {
        await using box = await subject.start({ argv: ['/bin/sleep', '60'], timed: true });
        const program = { namespaces: [], lines: box.results.map(({ line }) => line) };
        show(formatRows(explainProgram(program, box.results), { width: 96 }).join('\n'));
      },
    },
    clean: {
      title: 'The same process, with nothing brought along',
      run: async ({ subject, host }) => {
        const descriptor = kernel.openat(AT_FDCWD, '/etc/passwd', O_RDONLY);
        await using box = await subject.start();
        await host`grep -E '^Sig(Blk|Ign)' /proc/${box.pid}/status`;
        await host`ls /proc/${box.pid}/fd`;
        await box.type(`cat /proc/self/fd/${descriptor}`);
        await host`cat /proc/${box.pid}/environ | tr '\\0' '\\n' | cut -d= -f1 | sort`;
        kernel.close(descriptor);
      },
    },
  },
  task: {
    lines: [
      'The process must hold descriptors 0, 1 and 2 and no other,',
      'no signal may be blocked, and SIGPIPE and SIGXFSZ not be ignored.',
    ],
    before: 'call.execve',
    hints: [
      'Four calls before execve: one for what is blocked, two for what is ignored, one for what is open.',
      'rt_sigprocmask with an empty set; rt_sigaction to SIG_DFL, twice; close_range from 3 to the end.',
      "call.rtSigprocmask(SIG_SETMASK, []); call.rtSigaction(SIGPIPE, 'SIG_DFL'); call.rtSigaction(SIGXFSZ, 'SIG_DFL'); call.closeRange(3, 0xffffffff, CLOSE_RANGE_CLOEXEC);",
    ],
  },
});
