import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** Windows is left out with the package as a whole (`os` in `package.json`). */
const PLATFORMS = ["linux/x64", "linux/arm64", "darwin/arm64"];
const BINARIES = join("bin", "napi-v6");

/**
 * Puts ONNX Runtime into the package, without the install script that would download 300 MB of CUDA libraries to
 * whoever installs on Linux x64, and without the 177 MB of libraries that nothing here would load.
 *
 * Its JavaScript finds `onnxruntime-common`, which has no install script, among the package's dependencies.
 */
export async function copyOnnxRuntime(modules: string): Promise<void> {
  const source = dirname(createRequire(import.meta.url).resolve("onnxruntime-node/package.json"));
  const target = join(modules, "onnxruntime-node");
  const { name, version, license, main } = JSON.parse(await readFile(join(source, "package.json"), "utf8"));
  await mkdir(target, { recursive: true });
  await writeFile(join(target, "package.json"), `${JSON.stringify({ name, version, license, main }, undefined, 2)}\n`);
  await writeFile(join(target, "LICENSE"), LICENCE);
  await cp(join(source, "dist"), join(target, "dist"), {
    recursive: true,
    filter: (path) => !/\.(map|d\.ts)$/.test(path),
  });
  for (const platform of PLATFORMS) {
    const folder = join(BINARIES, platform);
    // The macOS library lies there a second time, named by its full version; the binding loads the shorter name.
    const names = (await readdir(join(source, folder))).filter((file) => !/\.\d+\.\d+\.\d+\.dylib$/.test(file));
    if (names.length < 2)
      throw new Error(`${join(source, folder)} must hold the binding and its library, got ${names}`);
    for (const file of names) await cp(join(source, folder, file), join(target, folder, file));
  }
}

/** The npm package names its licence without the text. */
const LICENCE = `MIT License

Copyright (c) Microsoft Corporation

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
`;
