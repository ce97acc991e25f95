/** The guided steps of lab 09, in the order of its reading. */
import { execute } from '../../lib/container/execute.ts';
import { MS_PRIVATE, MS_REC } from '../../lib/kernel/constants.ts';
import { defineLab, type RuntimeModule } from '../../lib/lab/lab.ts';
import { launch } from '../../lib/launch/program.ts';
import { mountOverlay } from '../../lib/overlay/mount.ts';
import { type Overlay, optionString } from '../../lib/overlay/options.ts';
import * as nsenter from '../06-nsenter/runtime.ts';
import * as hand from './by-hand.ts';

/** A program on the host with one more mount in a table of its own. */
const withOverlay = (overlay: Overlay): RuntimeModule => ({
  runtime: (container) => ({
    prepare: [],
    program: launch({ namespaces: ['mount'] }, (call) => {
      call.mount(null, '/', null, MS_REC | MS_PRIVATE);
      mountOverlay(call, overlay);
      execute(call, container);
    }),
    connect: () => [],
  }),
});

export default defineLab({
  steps: {
    shared: {
      title: 'Two containers, one directory, under lab 06',
      run: async ({ subject, host }) => {
        const shared = subject.under(nsenter, 'lab 06');
        await using one = await shared.start();
        await using other = await shared.start();
        await one.type("mkdir -p /usr/local/bin; echo 'echo I am not ls' > /usr/local/bin/ls");
        await one.type('chmod 755 /usr/local/bin/ls');
        await other.type('ls /etc');
        await host`rm -r rootfs/usr/local`;
      },
    },
    union: {
      title: 'Two directories as one',
      run: async ({ host }) => {
        await host`rm -rf A B C; mkdir A B C; touch A/a B/b; echo A > A/x; echo B > B/x`;
        await host`mount -t overlay overlay -o ${hand.USERXATTR}lowerdir=A:B C`;
        await host`ls C; cat C/x`;
        await host`touch C/new`;
        await host`umount C; ls C`;
      },
    },
    upper: {
      title: 'A layer on top',
      run: async (lab) => {
        const at = hand.layOut(lab);
        await using _ = await hand.mount(lab);
        await lab.host`ls merged; cat merged/a`;
        hand.draw(lab, at);
      },
    },
    'copy-up': {
      title: 'Write through it',
      run: async (lab) => {
        const at = hand.layOut(lab);
        const before = hand.draw(lab, at);
        await using _ = await hand.mount(lab);
        await lab.host`cat merged/c; ls upper`;
        await lab.host`echo more >> merged/b; echo more >> merged/c; chmod 600 merged/dir/old`;
        await lab.host`cat upper/c; cat lower/c; stat -c '%a %n' {lower,upper}/dir/old`;
        hand.draw(lab, at, before);
      },
    },
    whiteout: {
      title: 'Remove what cannot be removed',
      run: async (lab) => {
        const at = hand.layOut(lab);
        const before = hand.draw(lab, at);
        {
          await using _ = await hand.mount(lab);
          await lab.host`rm merged/a merged/c; ls merged`;
          await lab.host`echo new > merged/new; rm merged/new`;
          await lab.host`ls upper; stat -c '%n: %F %t,%T' upper/[ac]`;
        }
        hand.draw(lab, at, before);
        await lab.host`rm upper/c`;
        await using _ = await hand.mount(lab);
        await lab.host`ls merged; cat merged/c`;
      },
    },
    opaque: {
      title: 'Remove a directory and make it again',
      run: async (lab) => {
        const at = hand.layOut(lab);
        const before = hand.draw(lab, at);
        {
          await using _ = await hand.mount(lab);
          await lab.host`rm -r merged/dir; mkdir merged/dir; touch merged/dir/new; ls merged/dir`;
        }
        hand.showMark(lab, at('upper/dir'), 'upper/dir', 'opaque');
        hand.draw(lab, at, before);
      },
    },
    stack: {
      title: 'Many layers',
      run: async (lab) => {
        const { subject, host, show } = lab;
        const overlay = hand.layOutStack(lab, 128);
        await host`ls stack | wc -l; cat stack/*/which | sort -V | sed -n '1p;$p'`;
        show(`${optionString(overlay).length} bytes of options`);
        await hand.showRefusal(lab, async () => {
          await using box = await subject.under(withOverlay(overlay), '128 layers').start();
          await host`cd /proc/${box.pid}/root/$PWD/merged; cat which; ls | wc -l`;
          await host`grep -o 'lowerdir+=' /proc/${box.pid}/mountinfo | wc -l`;
        });
      },
    },
    names: {
      title: 'The same in a tar',
      run: async (lab) => {
        const at = hand.layOut(lab);
        {
          await using _ = await hand.mount(lab);
          await lab.host`rm merged/c; rm -r merged/dir; mkdir merged/dir`;
        }
        await lab.host`find upper -printf '%y %P\\n' | sort`;
        hand.toNames(at);
        await lab.host`find upper -printf '%y %P\\n' | sort`;
        hand.toMarks(at);
        hand.draw(lab, at);
      },
    },
    outside: {
      title: 'A layer for each container',
      run: async (lab) => {
        const { subject, host } = lab;
        await using one = await subject.start();
        await using other = await subject.start();
        await one.type('echo mine > /root/note; rm /etc/hosts; chmod 700 /etc; ls /etc');
        await other.type('ls /etc /root');
        await host`grep ' / / ' /proc/${one.pid}/mountinfo | tr , '\\n'`;
        await host`ls -d rootfs/etc/hosts rootfs/root/*`;
        await host`find ${one.layers.upper} -printf '%y %m %P\\n' | sort -k 3`;
        hand.tell(lab, one.layers.upper, one.layers.lowers);
      },
    },
    below: {
      title: 'Write below',
      run: async ({ subject, host }) => {
        await host`echo one > rootfs/etc/motd`;
        await using one = await subject.start();
        await using other = await subject.start();
        await one.type('echo mine >> /etc/motd');
        await host`echo two > rootfs/etc/motd`;
        await one.type('cat /etc/motd');
        await other.type('cat /etc/motd');
        await host`rm rootfs/etc/motd`;
      },
    },
    bind: {
      title: 'Leave out the overlay',
      run: (lab) =>
        hand.showRefusal(lab, async () => {
          await using box = await lab.subject.without('mount("overlay"').start();
          lab.show(`pid ${box.pid} runs`);
        }),
    },
  },
  task: {
    lines: [
      'The container’s root must be an overlay: `rootfs` below, shared by all, and an upper',
      'directory of its own. container.layers says where: upper, work, merged; and with which options.',
      'Nothing that it writes may be seen in rootfs or in another container, and all that',
      'earlier labs asked for still holds.',
    ],
    before: 'call.mount(rootfs, rootfs',
    hints: [
      'One mount is there already to make the root a mount point. Which other kind of mount makes a mount point too, and shows more than one directory in it? And who makes the directories that it needs?',
      'mount(2) with the type overlay and the options lowerdir, upperdir and workdir: optionString(layers) in lib/overlay/options.ts writes them. From then on the root is layers.merged and no longer rootfs. Before the clone, makeLayers(layers) in lib/overlay/plan.ts.',
      "prepare: [makeLayers(layers), …]; in the program, in place of the bind mount: call.mount('overlay', layers.merged, 'overlay', 0, optionString(layers)); call.chdir(layers.merged);",
    ],
  },
});
