/** vitest's JSON report, written where UTSUSHI_TEST_RESULTS says, without announcing it after the closing lines. */
import { writeFile } from 'node:fs/promises';
import { JsonReporter } from 'vitest/node';

export default class QuietJsonReporter extends JsonReporter {
  /** @param {string} report */
  async writeReport(report) {
    await writeFile(process.env.UTSUSHI_TEST_RESULTS ?? '', report);
  }
}
