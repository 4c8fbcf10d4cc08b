import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { type Plugin, defineConfig } from 'vite';

/** Each file once more in Brotli and gzip, for the server to hand out as it is. */
const compressed: Plugin = {
  name: 'compressed',
  apply: 'build',
  generateBundle: {
    // After those that still write files.
    order: 'post',
    handler(_options, bundle) {
      for (const [fileName, file] of Object.entries(bundle)) {
        const source = Buffer.from(file.type === 'chunk' ? file.code : file.source);
        if (!fileName.startsWith('static/') || source.length < 1_000) continue;
        const quality = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
        this.emitFile({
          type: 'asset',
          fileName: `${fileName}.br`,
          source: brotliCompressSync(source, { params: quality }),
        });
        this.emitFile({ type: 'asset', fileName: `${fileName}.gz`, source: gzipSync(source, { level: 9 }) });
      }
    },
  },
};

/** `npm run build` names the output directory. With `npx vite src/entry/console` the API is asked on port 8080. */
export default defineConfig({
  plugins: [compressed],
  build: {
    target: 'es2022',
    // light-dark() stays as it is: replaced by variables it would not follow the chosen colours.
    cssTarget: ['chrome123', 'edge123', 'firefox120', 'safari17.5'],
    emptyOutDir: true,
    assetsDir: 'static',
    rolldownOptions: {
      output: {
        // Browsers ask for six files at a time: what every page needs comes as one.
        codeSplitting: {
          groups: [
            {
              name: 'packages',
              test: /node_modules[\\/](?:react|react-dom|scheduler|wouter|@tanstack[\\/](?:query-core|react-query)|@mantine[\\/](?:core|hooks|notifications)|@floating-ui)[\\/]/,
            },
          ],
        },
      },
      // Packages mark what React's server components may not run; there are none here.
      checks: { moduleLevelDirective: false },
    },
    // Inlined files would be data: addresses, which the content security policy refuses for scripts and styles.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { '/api': 'http://127.0.0.1:8080' } },
});
