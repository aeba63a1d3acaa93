// Builds the pages; publish.mjs puts them into dist/, from where the binary embeds them. Nothing is inlined, so that the
// content security policy can forbid inline scripts and styles.
import { defineConfig } from "vite";

export default defineConfig({
  build: { outDir: "node_modules/.built", emptyOutDir: true, assetsInlineLimit: 0, modulePreload: false },
});
