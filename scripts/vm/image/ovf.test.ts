import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { itNeeds } from '../../../lib/observe/it-needs.ts';
import { ovf } from './ovf.ts';

const machine = {
  name: 'a "machine" & <more>',
  osType: 'Debian_64',
  cpus: 3,
  memory: 1536,
  disk: { file: 'disk.vmdk', bytes: 1000, capacity: 2 ** 33 },
};

/** The values of the elements of that name, in their order. */
function values(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}[^>]*>([^<]*)</${name}>`, 'g'))].map(
    ([, value]) => value ?? '',
  );
}

/** The Items, each as its element names and values. */
function items(xml: string): Record<string, string>[] {
  return [...xml.matchAll(/<Item>(.*?)<\/Item>/gs)].map(([, body = '']) =>
    Object.fromEntries(
      [...body.matchAll(/<rasd:(\w+)>([^<]*)</g)].map(([, key, value]) => [key, value]),
    ),
  );
}

describe('ovf', () => {
  itNeeds(['command:python3'], 'is well-formed XML, whatever the name', () => {
    const read =
      'import sys, xml.etree.ElementTree as t; r = t.fromstring(sys.stdin.buffer.read());' +
      'print(r.tag, [v for e in r for k, v in e.attrib.items() if k.endswith("id")])';
    const output = execFileSync('python3', ['-c', read], { input: ovf(machine), encoding: 'utf8' });
    expect(output).toBe(
      `{http://schemas.dmtf.org/ovf/envelope/1}Envelope ['a "machine" & <more>']\n`,
    );
  });

  it('hangs the disk on the SATA controller', () => {
    const all = items(ovf(machine));
    const controller = all.find(({ ResourceType }) => ResourceType === '20');
    const disk = all.find(({ ResourceType }) => ResourceType === '17');
    expect(controller).toMatchObject({ ResourceSubType: 'AHCI', Caption: 'sataController0' });
    expect(disk).toMatchObject({ Parent: controller?.InstanceID, HostResource: '/disk/vmdisk1' });
  });

  it('names the file that the disk is in, and its size', () => {
    const xml = ovf(machine);
    const file = /<File ovf:id="([^"]*)" ovf:href="disk.vmdk" ovf:size="1000"\/>/.exec(xml)?.[1];
    expect(xml).toContain(`ovf:diskId="vmdisk1" ovf:fileRef="${file}"`);
    expect(xml).toContain('ovf:capacity="8589934592"');
  });

  it('has the card on a network that it declares', () => {
    const xml = ovf(machine);
    const card = items(xml).find(({ ResourceType }) => ResourceType === '10');
    expect(card).toMatchObject({ ResourceSubType: 'E1000', AutomaticAllocation: 'true' });
    expect(xml).toContain(`<Network ovf:name="${card?.Connection}">`);
  });

  it('gives processors and memory in the units of the Item', () => {
    const all = items(ovf(machine));
    expect(all.find(({ ResourceType }) => ResourceType === '3')?.VirtualQuantity).toBe('3');
    expect(all.find(({ ResourceType }) => ResourceType === '4')).toMatchObject({
      AllocationUnits: 'MegaBytes',
      VirtualQuantity: '1536',
    });
  });

  it('numbers the items, and orders what is in them by name, as the schema does', () => {
    const xml = ovf(machine);
    expect(values(xml, 'rasd:InstanceID')).toEqual(['1', '2', '3', '4', '5']);
    for (const item of items(xml)) expect(Object.keys(item)).toEqual(Object.keys(item).sort());
  });
});
