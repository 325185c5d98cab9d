import { browsers } from './browsers.ts'
import { defineConfig } from 'vite'

// The page as a node serves it: everything is a file of its own below the same origin, since the policy that it is
// served with allows neither inline scripts and styles nor data URLs.
export default defineConfig({
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  server: { proxy: { '/v1': { target: process.env.QUIPU_NODE ?? 'http://127.0.0.1:8080' } } },
  build: { target: browsers, cssTarget: browsers, assetsInlineLimit: 0, modulePreload: { polyfill: false }, cssCodeSplit: false, license: { fileName: 'licenses.md' } },
  // What checks large bundles takes seconds, and many where the machine does other things: the bound is for what hangs.
  test: { include: ['src/**/*.test.ts', 'src/**/*.test.tsx'], testTimeout: 60_000 },
} as Parameters<typeof defineConfig>[0])
