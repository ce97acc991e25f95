/**
 * The description of a virtual machine that VirtualBox imports (`VBoxManage import`): an OVF 1.0
 * envelope whose hardware is what `VBoxManage export` writes for a machine with one SATA disk and one
 * NAT card. VirtualBox knows the disk's controller by ResourceType 20 with subtype AHCI, the disk
 * (17) belongs to it by its Parent; the card (10) is an Intel 82540EM (E1000).
 *
 * OVF specification, DMTF DSP0243; resource types: CIM_ResourceAllocationSettingData.
 */

export interface Appliance {
  name: string;
  /** VirtualBox' name for the guest's system, such as `Debian_64`. */
  osType: string;
  cpus: number;
  /** MiB. */
  memory: number;
  disk: {
    file: string /** Of the file, in bytes. */;
    bytes: number /** In bytes. */;
    capacity: number;
  };
}

/** Debian 64-bit, in the CIM_OperatingSystem table. */
const DEBIAN_64 = 96;

const NAMESPACES = {
  '': 'http://schemas.dmtf.org/ovf/envelope/1',
  ':ovf': 'http://schemas.dmtf.org/ovf/envelope/1',
  ':rasd': 'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData',
  ':vssd': 'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData',
  ':vbox': 'http://www.virtualbox.org/ovf/machine',
};

const STREAM_OPTIMIZED =
  'http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized';

/** The XML document. */
export function ovf({ name, osType, cpus, memory, disk }: Appliance): string {
  const namespaces = Object.entries(NAMESPACES).map(([prefix, uri]) => `xmlns${prefix}="${uri}"`);
  const items: Record<string, string | number>[] = [
    {
      Caption: `${cpus} virtual CPU`,
      Description: 'Number of virtual CPUs',
      ResourceType: 3,
      VirtualQuantity: cpus,
    },
    {
      AllocationUnits: 'MegaBytes',
      Caption: `${memory} MB of memory`,
      Description: 'Memory Size',
      ResourceType: 4,
      VirtualQuantity: memory,
    },
    {
      Address: 0,
      Caption: 'sataController0',
      Description: 'SATA Controller',
      ResourceSubType: 'AHCI',
      ResourceType: 20,
    },
    {
      AddressOnParent: 0,
      Caption: 'disk1',
      Description: 'Disk Image',
      HostResource: '/disk/vmdisk1',
      Parent: 3,
      ResourceType: 17,
    },
    {
      AutomaticAllocation: 'true',
      Caption: "Ethernet adapter on 'NAT'",
      Connection: 'NAT',
      ResourceSubType: 'E1000',
      ResourceType: 10,
    },
  ];
  return `<?xml version="1.0" encoding="UTF-8"?>
<Envelope ovf:version="1.0" xml:lang="en-US" ${namespaces.join(' ')}>
  <References>
    <File ovf:id="file1" ovf:href="${attribute(disk.file)}" ovf:size="${disk.bytes}"/>
  </References>
  <DiskSection>
    <Info>Virtual disks</Info>
    <Disk ovf:capacity="${disk.capacity}" ovf:diskId="vmdisk1" ovf:fileRef="file1" ovf:format="${STREAM_OPTIMIZED}"/>
  </DiskSection>
  <NetworkSection>
    <Info>Networks</Info>
    <Network ovf:name="NAT">
      <Description>Behind the host, with its addresses translated</Description>
    </Network>
  </NetworkSection>
  <VirtualSystem ovf:id="${attribute(name)}">
    <Info>A virtual machine</Info>
    <OperatingSystemSection ovf:id="${DEBIAN_64}">
      <Info>The guest's system</Info>
      <Description>${text(osType)}</Description>
      <vbox:OSType ovf:required="false">${text(osType)}</vbox:OSType>
    </OperatingSystemSection>
    <VirtualHardwareSection>
      <Info>Virtual hardware</Info>
      <System>
        <vssd:ElementName>Virtual Hardware Family</vssd:ElementName>
        <vssd:InstanceID>0</vssd:InstanceID>
        <vssd:VirtualSystemIdentifier>${text(name)}</vssd:VirtualSystemIdentifier>
        <vssd:VirtualSystemType>virtualbox-2.2</vssd:VirtualSystemType>
      </System>
${items.map((item, index) => hardware(item, index + 1)).join('\n')}
    </VirtualHardwareSection>
  </VirtualSystem>
</Envelope>
`;
}

/** One Item. The schema wants its elements in the order of their names. */
function hardware(item: Record<string, string | number>, instance: number): string {
  const elements = { ...item, ElementName: item.Caption ?? '', InstanceID: instance };
  const lines = Object.entries(elements)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `        <rasd:${name}>${text(String(value))}</rasd:${name}>`);
  return ['      <Item>', ...lines, '      </Item>'].join('\n');
}

function text(value: string): string {
  return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

function attribute(value: string): string {
  return text(value).replaceAll('"', '&quot;');
}
