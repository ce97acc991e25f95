/** Adds layers and images to the store named first, without end. */
import { openStore } from './store.ts';
import { inPieces, tar } from './tar.fixture.ts';

const store = await openStore(process.argv[2] ?? '');
console.log('begin');
for (let i = 0; ; i++) {
  const files = Array.from({ length: 50 }, (_, j) => ({
    name: `dir${j % 7}/file${j}`,
    content: Buffer.alloc(10_000, `${process.pid} ${i} ${j} `),
  }));
  const layer = await store.addLayer({ parent: null, stream: inPieces(tar(...files), 5000) });
  const rootfs = { type: 'layers' as const, diff_ids: [layer.diffId] };
  await store.putImage({ architecture: 'amd64', os: 'linux', rootfs }, ['coming']);
}
