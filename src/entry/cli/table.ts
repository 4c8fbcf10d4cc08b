import Table from 'cli-table3';

/** Rows in columns, without lines, for people to read. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const plain = { head: [], border: [], 'padding-left': 0, 'padding-right': 2 };
  const noLines = Object.fromEntries(
    [
      'top',
      'top-mid',
      'top-left',
      'top-right',
      'bottom',
      'bottom-mid',
      'bottom-left',
      'bottom-right',
      'left',
      'left-mid',
      'mid',
      'mid-mid',
      'right',
      'right-mid',
      'middle',
    ].map((part) => [part, '']),
  );
  const drawn = new Table({ head: [...head], style: plain, chars: noLines });
  drawn.push(...rows.map((row) => row.map(String)));
  return drawn
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
