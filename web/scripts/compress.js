// SPDX-License-Identifier: LGPL-3.0-or-later
// Compresses what vite built, as the binary embeds it: only the forms that are served.
// Fails when a first visit would load more than it may.
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const BUDGET_BYTES = 200_000;
const folder = new URL("../dist", import.meta.url).pathname;
let total = 0;

for (const name of readdirSync(folder, { recursive: true }).sort()) {
  const path = join(folder, name);
  if (!statSync(path).isFile()) continue;
  const plain = readFileSync(path);
  if (path.endsWith(".woff2")) {
    total += plain.length;
    continue;
  }
  const brotli = brotliCompressSync(plain, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_SIZE_HINT]: plain.length,
    },
  });
  writeFileSync(`${path}.br`, brotli);
  writeFileSync(`${path}.gz`, gzipSync(plain, { level: 9 }));
  if (!path.endsWith("index.html")) {
    // Every browser takes one of both; the page itself stays, for whoever looks by hand.
    rmSync(path);
  }
  total += brotli.length;
  console.log(`${String(brotli.length).padStart(8)} bytes  ${name}`);
}
console.log(`${String(total).padStart(8)} bytes in all, fonts included`);
if (total > BUDGET_BYTES) {
  console.error(`more than the budget of ${BUDGET_BYTES}`);
  process.exit(1);
}
