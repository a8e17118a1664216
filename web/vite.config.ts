import { defineConfig } from "vite";

const junit = process.env.BEMI_JUNIT;

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
  test: {
    // src/: what needs no browser. test/: the real binary in a real one.
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    globalSetup: ["test/server.ts"],
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    reporters: junit ? ["default", ["junit", { outputFile: junit, suiteName: "web" }]] : ["default"],
  },
} as never);
