import { describe, expect, it, test } from 'vitest';
import { type HostFacts, preflight, ROOM_BYTES } from './preflight.ts';

/** A Debian with libvirt where nothing stands in the way. */
const GOOD: HostFacts = {
  platform: 'linux',
  arch: 'amd64',
  packages: 'apt',
  root: false,
  vagrant: '2.3.4',
  virtualbox: false,
  libvirt: {
    plugin: true,
    missing: [],
    state: { kind: 'system' },
    systemd: true,
    inGroup: true,
  },
  missing: [],
  provider: null,
  free: { path: '/home/a/.cache/unboxed', bytes: ROOM_BYTES },
  made: false,
  box: { kind: 'public', name: 'the public box debian/bookworm64' },
  kvm: { works: true, why: '' },
  virtualization: true,
};
const libvirt = (changes: Partial<HostFacts['libvirt']>) => ({
  libvirt: { ...GOOD.libvirt, ...changes },
});

/** What is said of the host with these changes, in one text. */
function problems(changes: Partial<HostFacts>): string {
  const found = preflight({ ...GOOD, ...changes }).problems;
  return found.map(({ what, remedy }) => `${what} → ${remedy}`).join('\n');
}

it('finds nothing where nothing is missing', () => {
  expect(preflight(GOOD)).toEqual({ provider: 'libvirt', problems: [], notes: [] });
});

describe('Vagrant', () => {
  test.each([
    ['apt', /sudo apt-get install vagrant/],
    ['dnf', /sudo dnf install vagrant/],
    ['pacman', /sudo pacman -S vagrant/],
    ['brew', /brew install --cask vagrant/],
    ['winget', /winget install Hashicorp\.Vagrant/],
    [null, /install vagrant or from https:/],
  ] as const)('is named in the words of %s', (packages, words) => {
    expect(problems({ vagrant: null, packages })).toMatch(words);
  });

  it('needs ssh, which Debian calls otherwise', () => {
    expect(problems({ missing: ['ssh'] })).toMatch(/^ssh is not installed .*openssh-client/);
  });
});

describe('the provider', () => {
  it('is libvirt on Linux, VirtualBox where libvirt is not whole', () => {
    expect(preflight({ ...GOOD, virtualbox: true }).provider).toBe('libvirt');
    const without = { ...GOOD, virtualbox: true, ...libvirt({ plugin: false }) };
    expect(preflight(without)).toMatchObject({ provider: 'virtualbox', problems: [] });
    const silent = libvirt({ state: { kind: 'none', why: 'no answer' } });
    expect(preflight({ ...GOOD, virtualbox: true, ...silent }).provider).toBe('virtualbox');
  });

  it('is whose the machine is already', () => {
    expect(preflight({ ...GOOD, provider: 'virtualbox' }).provider).toBe('virtualbox');
  });

  test.each([
    ['darwin', 'brew', /brew install --cask virtualbox \(7\.1/],
    ['win32', 'winget', /winget install Oracle\.VirtualBox/],
  ] as const)('that is missing on %s is VirtualBox', (platform, packages, words) => {
    const none = libvirt({ plugin: false });
    expect(problems({ platform, packages, arch: 'arm64', ...none })).toMatch(words);
  });

  test.each([
    ['apt', /apt-get install .*vagrant-libvirt/],
    ['dnf', /dnf install vagrant-libvirt/],
    ['pacman', /pacman -S libvirt .*vagrant plugin install vagrant-libvirt/],
  ] as const)('that is missing on Linux is libvirt, in the words of %s', (packages, words) => {
    const none = libvirt({ plugin: false, missing: ['virsh'] });
    const said = problems({ packages, ...none });
    expect(said).toMatch(words);
    expect(said).toContain('the plugin vagrant-libvirt, the program virsh');
  });
});

describe('a libvirt that does not answer', () => {
  const none = (why: string, systemd = true) =>
    libvirt({ state: { kind: 'none', why }, systemd, inGroup: false });

  it('is started by systemd', () => {
    expect(problems(none('Failed to connect socket'))).toMatch(/systemctl enable --now libvirtd/);
  });

  it('is the kit’s own without systemd, for root', () => {
    expect(problems(none('Failed to connect socket', false))).toMatch(/run this as root/);
    expect(problems({ ...libvirt({ state: { kind: 'own' }, systemd: false }), made: true })).toBe(
      '',
    );
  });

  it('may be one for the members of a group', () => {
    const why = 'authentication unavailable: no polkit agent available';
    expect(problems(none(why))).toMatch(/you may not use libvirt: .*usermod .*libvirt/);
  });
});

describe('room', () => {
  it('is asked for before a machine is made, not after', () => {
    const free = { path: '/cache', bytes: ROOM_BYTES - 1 };
    expect(problems({ free })).toMatch(/6\.4 GB are free at \/cache; .*→ make room/);
    expect(problems({ free, made: true })).toBe('');
  });
});

describe('a network', () => {
  const own = { ...libvirt({ state: { kind: 'own' }, systemd: false }) };

  it('is what a public box needs, and guests of our own libvirt have none', () => {
    expect(problems(own)).toMatch(/debian\/bookworm64 must be fetched.*→ .*npm run vm:box/);
  });

  it('is not needed by a box that is here', () => {
    expect(problems({ ...own, box: { kind: 'own', name: '' } })).toBe('');
    expect(problems({ ...own, box: { kind: 'file', name: '' } })).toBe('');
  });
});

describe('a processor that must be emulated', () => {
  it('is a note, with what the firmware has to do with it', () => {
    const kvm = { works: false, why: 'there is no /dev/kvm' };
    const off = preflight({ ...GOOD, kvm, virtualization: false });
    expect(off.problems).toEqual([]);
    expect(off.notes[0]?.what).toMatch(/emulated.*there is no \/dev\/kvm/);
    expect(off.notes[0]?.remedy).toMatch(/firmware/);
    expect(preflight({ ...GOOD, kvm }).notes[0]?.remedy).toMatch(/modprobe/);
  });
});
