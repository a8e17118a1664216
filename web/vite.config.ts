import { defineConfig } from "vite";

// Everything is served by the binary itself; `npx vite` alone asks a running `bemi serve`.
export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2023",
    assetsInlineLimit: 0, // data: URLs are not in the content security policy
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { "^/api/": process.env.BEMI_HTTP_URL ?? "http://127.0.0.1:7070" } },
  test: { include: ["src/**/*.test.ts"] },
} as never);
