import { defineConfig } from 'vite';

/** `npm run build` names the output directory. With `npx vite src/entry/console` the API is asked on port 8080. */
export default defineConfig({
  build: {
    target: 'es2022',
    // light-dark() stays as it is: replaced by variables it would not follow the chosen colours.
    cssTarget: ['chrome123', 'edge123', 'firefox120', 'safari17.5'],
    emptyOutDir: true,
    assetsDir: 'static',
    rolldownOptions: {
      // Packages mark what React's server components may not run; there are none here.
      checks: { moduleLevelDirective: false },
    },
    // Inlined files would be data: addresses, which the content security policy refuses for scripts and styles.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { '/api': 'http://127.0.0.1:8080' } },
});
