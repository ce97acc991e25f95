import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Action } from '../host/action.ts';
import { formatAction } from '../host/format.ts';
import { openHost } from '../host/host.ts';
import { MS_NODEV, MS_NOSUID, MS_RDONLY, MS_REC } from '../kernel/constants.ts';
import { launch } from '../launch/program.ts';
import { start } from '../launch/start.ts';
import { itNeeds } from '../observe/it-needs.ts';
import { mountAt, readMountinfo } from '../observe/mountinfo.ts';
import { CLASSIC_BYTES, MAX_LOWERS } from './limits.ts';
import { type MountStyle, mountOverlay, overlayAction } from './mount.ts';
import { overlayAt } from './mounted.ts';
import { assertMountable } from './obstacle.ts';
import {
  OPTION_SAYS,
  type Overlay,
  type OverlayOptions,
  optionPairs,
  optionString,
} from './options.ts';
import { makeSandbox, type Sandbox } from './stack.fixture.ts';

let sandbox: Sandbox;
let root: string;

const withSandbox = () => {
  beforeEach(() => {
    sandbox = makeSandbox();
    root = sandbox.directory;
  });
  afterEach(() => sandbox.remove());
};

/** Directories below the sandbox; a lower's one file bears the layer's name. */
function prepare(lowers: readonly string[], rest: Partial<Overlay> = {}): Overlay {
  const overlay = {
    lowers: lowers.map((name) => `${root}/${name}`),
    upper: `${root}/upper`,
    work: `${root}/work`,
    target: `${root}/merged`,
    ...rest,
  };
  for (const lower of overlay.lowers) {
    mkdirSync(lower, { recursive: true });
    writeFileSync(`${lower}/which`, lower);
  }
  for (const path of [overlay.upper, overlay.work, overlay.target]) {
    mkdirSync(path, { recursive: true });
  }
  return overlay;
}

const stateOf = () => `${root}/state`;

async function whileDone<T>(action: Action, look: () => T): Promise<T> {
  const host = await openHost('overlay-test', stateOf());
  try {
    await host.do(action);
    return look();
  } finally {
    expect((await host.undo()).failed).toEqual([]);
  }
}

const ODD = ['a:b', 'c,d', 'e\\f', 'g\\:h', 'i j', 'k#l', 'm"n', 'o=p', 'ü'];

const API = { classic: ['root', 'overlay'], new: ['root', 'overlay', 'linux-6.8'] } as const;

describe('an overlay as an action of the host', () => {
  if (process.geteuid?.() === 0) withSandbox();

  for (const api of ['classic', 'new'] as const) {
    itNeeds([...API[api]], `is mounted by the ${api} calls and gone when undone`, async () => {
      const overlay = prepare(['top', 'bottom'], {
        options: { redirectDir: 'on', volatile: true },
      });
      const action = overlayAction(overlay, { api, flags: MS_NOSUID | MS_NODEV });
      await whileDone(action, () => {
        expect(readFileSync(`${root}/merged/which`, 'utf8')).toBe(`${root}/top`);
        const seen = overlayAt(`${root}/merged`);
        expect(seen).toMatchObject({
          lowers: overlay.lowers,
          upper: overlay.upper,
          work: overlay.work,
        });
        // `fsync=volatile` since Linux 6.18.
        expect(seen?.options.join()).toMatch(/\bvolatile\b/);
        expect(mountAt(readMountinfo(), overlay.target)?.options).toEqual(
          expect.arrayContaining(['nosuid', 'nodev']),
        );
      });
      expect(overlayAt(overlay.target)).toBeNull();
    });

    itNeeds([...API[api]], `takes every name of a directory by the ${api} calls`, async () => {
      for (const name of ODD) {
        const overlay = prepare([`lower ${name}`, 'bottom'], {
          upper: `${root}/${name}/upper`,
          work: `${root}/${name}/work`,
        });
        await whileDone(overlayAction(overlay, { api }), () => {
          expect(readFileSync(`${root}/merged/which`, 'utf8')).toBe(`${root}/lower ${name}`);
          expect(overlayAt(overlay.target)).toMatchObject({
            lowers: overlay.lowers,
            upper: overlay.upper,
          });
          writeFileSync(`${root}/merged/new`, '');
          expect(readdirSync(overlay.upper ?? '')).toEqual(['new']);
        });
      }
    });
  }

  for (const count of [128, MAX_LOWERS]) {
    itNeeds([...API.new], `stacks ${count} lower directories`, async () => {
      const names = Array.from({ length: count }, (_, i) => `a-layer-with-a-long-name-${i}`);
      const overlay = prepare(names);
      for (const [i, lower] of overlay.lowers.entries()) writeFileSync(`${lower}/only-${i}`, '');
      const action = overlayAction(overlay);
      expect(optionString(overlay).length).toBeGreaterThan(CLASSIC_BYTES);
      expect(formatAction(action)[0]).toMatch(/^mount -t overlay -o lowerdir\+=.*,lowerdir\+=/);
      await whileDone(action, () => {
        expect(readFileSync(`${root}/merged/which`, 'utf8')).toBe(overlay.lowers[0]);
        expect(readdirSync(overlay.target)).toHaveLength(count + 1);
        expect(overlayAt(overlay.target)?.lowers).toEqual(overlay.lowers);
      });
    });
  }

  itNeeds([...API.new], 'tells what the kernel says when it refuses', async () => {
    const { target } = prepare(['lower']);
    const action: Action = {
      name: 'overlay',
      does: [{ do: 'fsmount', fstype: 'overlay', target, options: [['nonsense', 'on']] }],
      undoes: [],
      seen: { mountPoint: target },
    };
    await expect(whileDone(action, () => {})).rejects.toThrow(
      /EINVAL \(Invalid argument\): overlay: Unknown parameter 'nonsense'/,
    );
  });
});

it('every option that is set is explained', () => {
  const options = { ...ALL, userxattr: true, volatile: true };
  const pairs = optionPairs({ lowers: ['/l'], upper: '/u', work: '/w', options });
  expect(pairs.map(([key]) => key).filter((key) => !(key in OPTION_SAYS))).toEqual([]);
  expect(pairs).toHaveLength(3 + Object.keys(options).length);
});

const ALL: OverlayOptions = { metacopy: false, redirectDir: 'off', index: false, xino: 'auto' };

describe('the limits of an overlay are named before anything is tried:', () => {
  const style = (overlay: Partial<Overlay>, api?: MountStyle['api']) =>
    overlayAction({ lowers: ['/l'], target: '/m', ...overlay }, api ? { api } : {});
  const many = (count: number) => Array.from({ length: count }, (_, i) => `/layers/${i}`);
  const upper = { upper: '/u', work: '/w' };

  it('the page of options', () => {
    const lowers = Array.from({ length: 20 }, (_, i) => `/${'x'.repeat(250)}${i}`);
    expect(() => style({ lowers, ...upper }, 'classic')).toThrow(
      /5\d\d\d bytes of options .* 4095/,
    );
  });
  it('500 lower directories', () => {
    expect(() => style({ lowers: many(501), ...upper })).toThrow(
      /501 lower .* 500 \(OVL_MAX_STACK/,
    );
  });
  it('255 bytes of one path for fsconfig', () => {
    const lowers = [`/${'x'.repeat(255)}`, '/l'];
    expect(() => style({ lowers }, 'new')).toThrow(/256 bytes, fsconfig\(2\) takes 255/);
  });
  it('nothing to merge', () => {
    expect(() => style({})).toThrow(/one lower directory and no upper/);
    expect(() => style({ lowers: [], ...upper })).toThrow(/no lower directory/);
    expect(() => style({ upper: '/u' })).toThrow(/upper and work come together/);
  });
  it('options that exclude each other', () => {
    const clash = (options: OverlayOptions) => expect(() => style({ ...upper, options }));
    clash({ userxattr: true, metacopy: true }).toThrow(/userxattr with metacopy/);
    clash({ userxattr: true, redirectDir: 'on' }).toThrow(/userxattr with redirect_dir/);
    clash({ metacopy: true, redirectDir: 'off' }).toThrow(/metacopy with redirect_dir=off/);
    expect(() => style({ lowers: many(2), options: { volatile: true } })).toThrow(
      /volatile without/,
    );
  });
  it('a flag that is none of a mount', () => {
    expect(() =>
      overlayAction({ lowers: ['/a', '/b'], target: '/m' }, { api: 'new', flags: MS_REC }),
    ).toThrow(/0x4000/);
  });
});

describe('an overlay as lines of a launch program', () => {
  if (process.geteuid?.() === 0) withSandbox();

  for (const api of ['classic', 'new'] as const) {
    itNeeds([...API[api]], `is seen in the child’s mount table alone (${api})`, async () => {
      const overlay = prepare(['top', 'bottom']);
      const program = launch({ namespaces: ['mount'] }, (call) => {
        call.mount(null, '/', null, MS_REC | 0x40000);
        mountOverlay(call, overlay, { api, flags: MS_RDONLY });
        call.execve('/bin/sleep', ['sleep', '60'], {});
      });
      const child = await start(program);
      try {
        expect(overlayAt(overlay.target, child.pid)?.lowers).toEqual(overlay.lowers);
        expect(mountAt(readMountinfo(child.pid), overlay.target)?.options).toContain('ro');
        expect(overlayAt(overlay.target)).toBeNull();
      } finally {
        child.kill();
        await child.exited;
      }
    });
  }
});

describe('before it is mounted, an overlay is refused', () => {
  if (process.geteuid?.() === 0) withSandbox();
  const refuse = (overlay: Overlay) => expect(() => assertMountable(overlay));

  itNeeds(['root', 'overlay'], 'only where something is wrong', () => {
    assertMountable(prepare(['lower']));
  });
  itNeeds(['root', 'overlay'], 'with a layer that is not there', () => {
    const overlay = prepare(['lower']);
    refuse({ ...overlay, lowers: [`${root}/nowhere`] }).toThrow(/nowhere: does not exist/);
    refuse({ ...overlay, lowers: [`${root}/lower/which`] }).toThrow(/which: is no directory/);
  });
  itNeeds(['root', 'overlay'], 'with work on another file system', () => {
    const overlay = prepare(['lower']);
    refuse({ ...overlay, work: dirname(root) }).toThrow(/another file system than/);
  });
  itNeeds(['root', 'overlay'], 'with work inside upper', () => {
    const overlay = prepare(['lower'], { work: `${root}/upper/work` });
    refuse(overlay).toThrow(/lies within/);
  });
  itNeeds(['root', 'overlay'], 'with a work directory that holds something', () => {
    const overlay = prepare(['lower']);
    writeFileSync(`${overlay.work}/left`, '');
    refuse(overlay).toThrow(/is not empty \(left\)/);
  });
  itNeeds(
    ['root', 'overlay'],
    'with an upper that another one has, or that lies on one',
    async () => {
      const overlay = prepare(['lower']);
      const other = prepare(['lower'], {
        upper: `${root}/merged/upper`,
        work: `${root}/merged/work`,
        target: `${root}/other`,
      });
      await whileDone(overlayAction(overlay), () => {
        refuse({ ...overlay, target: `${root}/other` }).toThrow(
          /upper or work directory of the overlay/,
        );
        mkdirSync(`${root}/merged/upper`);
        mkdirSync(`${root}/merged/work`);
        refuse(other).toThrow(/lies on an overlay.*tmpfs/);
      });
    },
  );
  itNeeds(['root', 'overlay'], 'after it was mounted volatile', async () => {
    const overlay = prepare(['lower'], { options: { volatile: true } });
    await whileDone(overlayAction(overlay), () => {});
    refuse(overlay).toThrow(/mounted volatile/);
  });
});
