/** Twice the pixels that a browser would take, for screens and slides. */
const DENSITY_DPI = 144;

/**
 * A chart's SVG as PNG. Its text is drawn with the fonts of this machine; without any there is none.
 *
 * The library is loaded here, as no other command should wait for it.
 */
export async function renderPng(svg: string): Promise<Uint8Array> {
  const { default: sharp } = await import("sharp");
  return sharp(Buffer.from(svg), { density: DENSITY_DPI }).png().toBuffer();
}
