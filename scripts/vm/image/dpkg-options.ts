/**
 * Which files of the packages stay out of a guest. It keeps to that when packages are added or
 * renewed in it, as these go into its /etc/dpkg/dpkg.cfg.d. Of two that match, the later one counts.
 *
 * dpkg(1), --path-exclude
 */

/** Drivers of hardware that no virtual machine is given: two thirds of all modules. */
const HARDWARE = [
  'sound',
  'net/bluetooth',
  'net/mac80211',
  'net/wireless',
  ...(
    'accessibility bluetooth comedi edac firewire gnss gpu/drm/amd gpu/drm/i915 gpu/drm/nouveau ' +
    'gpu/drm/radeon hwmon iio infiniband isdn leds media memstick mfd mmc mtd net/can ' +
    'net/ethernet net/phy net/usb net/wireless nfc pcmcia platform power scsi/bfa scsi/lpfc ' +
    'scsi/qla2xxx scsi/qla4xxx ssb staging thunderbolt ufs usb/gadget usb/misc usb/serial w1'
  )
    .split(' ')
    .map((driver) => `drivers/${driver}`),
];

/** The wired cards that hypervisors emulate. */
const EMULATED = [
  'amd/pcnet32.ko',
  'dec/tulip',
  'intel/e1000',
  'intel/e1000e',
  'realtek/8139cp.ko',
];

export const DPKG_OPTIONS: readonly string[] = [
  'path-exclude=/usr/share/doc/*',
  // Licences stay: who hands a box on hands on Debian's packages.
  'path-include=/usr/share/doc/*/copyright',
  ...['man', 'info', 'lintian', 'bug', 'locale'].map((name) => `path-exclude=/usr/share/${name}/*`),
  'path-include=/usr/share/locale/locale.alias',
  ...HARDWARE.map((directory) => `path-exclude=*/lib/modules/*/kernel/${directory}/*`),
  ...EMULATED.map((name) => `path-include=*/lib/modules/*/kernel/drivers/net/ethernet/${name}*`),
];
