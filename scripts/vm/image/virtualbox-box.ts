import type { BoxParts } from './box.ts';

export const virtualboxParts: BoxParts = async () => [];
