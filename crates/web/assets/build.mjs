// Bundles styles and scripts into dist/, which the crate `web` embeds. Run by `make assets`.
import { build } from "esbuild";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";

await mkdir("dist", { recursive: true });
const shared = { bundle: true, minify: true, legalComments: "eof", target: ["es2022"], outdir: "dist", logLevel: "warning" };
await build({ ...shared, entryPoints: ["src/hap.css"], external: ["data:*"] });
await build({ ...shared, entryPoints: ["src/hap.ts", "src/editor.ts"], format: "esm" });

// Pages stay small: 100 kB compressed, the script workspace 250 kB (styles and scripts together leave room for the page).
const limits = { "hap.css": 40, "hap.js": 50, "editor.js": 150 };
for (const [name, kilobytes] of Object.entries(limits)) {
  const size = gzipSync(await readFile(`dist/${name}`), { level: 9 }).length;
  if (size > kilobytes * 1024) throw new Error(`${name} is ${size} bytes compressed; at most ${kilobytes} kB`);
  console.log(`${name}: ${size} bytes compressed`);
}
await writeFile("dist/built", "");
