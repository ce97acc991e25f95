/** marked-terminal comes without types: the one function of it that render.ts uses. */
declare module 'marked-terminal' {
  type Style = (text: string) => string;

  /** An extension for marked. `highlight` goes to cli-highlight. */
  export function markedTerminal(
    options: Record<string, Style | boolean | number | object>,
    highlight?: { theme: Record<string, Style> },
  ): import('marked').MarkedExtension;
}
