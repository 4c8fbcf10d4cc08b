import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Minutes among files of seconds. Begun last, one of them would keep a single worker busy while the others are done. */
const LONGEST = [
  'chaos/kill-redis',
  'chaos/kill-postgres',
  'chaos/import-race',
  'browser/console',
  'cli/check',
  'cli/operate',
  'cli/catalogue',
  'monitoring/schedules',
  'cli/case',
  'cli/linter',
  'embedded-postgres/lifecycle',
  'sources/capture',
];

/** The longest files first, also in a fresh clone, where vitest remembers no durations and would go by size. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const at = LONGEST.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
      return at === -1 ? LONGEST.length : at;
    };
    return (await super.sort(files)).toSorted(
      (a, b) =>
        a.project.config.sequence.groupOrder - b.project.config.sequence.groupOrder || place(a) - place(b),
    );
  }
}
