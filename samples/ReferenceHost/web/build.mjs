// Bundles the page into ../wwwroot. --watch: again at every change. --tests: the unit tests into build/tests, for node --test.
import { build, context } from 'esbuild';
import { cp, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const at = (...parts) => join(here, ...parts);

// noVNC has top-level await, so everything is an ES module; xterm.js and noVNC are chunks that are fetched when a console is opened.
const page = {
  entryPoints: { page: at('src/main.tsx'), style: at('src/styles/page.css') },
  outdir: at('../wwwroot/assets'),
  bundle: true,
  format: 'esm',
  splitting: true,
  target: 'es2022',
  minify: true,
  sourcemap: true,
  legalComments: 'linked',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  chunkNames: 'chunk-[name]-[hash]',
  assetNames: '[name]-[hash]',
  loader: { '.woff2': 'file' },
  logLevel: 'warning',
};

const tests = async () => ({
  entryPoints: (await readdir(at('tests'))).filter((name) => name.endsWith('.test.ts')).map((name) => at('tests', name)),
  outdir: at('build/tests'),
  outExtension: { '.js': '.mjs' },
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'es2022',
  sourcemap: 'inline',
  logLevel: 'warning',
});

if (process.argv.includes('--tests')) {
  await rm(at('build/tests'), { recursive: true, force: true });
  await build(await tests());
} else {
  await rm(at('../wwwroot'), { recursive: true, force: true });
  await mkdir(at('../wwwroot'), { recursive: true });
  await cp(at('public'), at('../wwwroot'), { recursive: true });
  if (process.argv.includes('--watch')) {
    await (await context(page)).watch();
  } else {
    await build(page);
  }
}
