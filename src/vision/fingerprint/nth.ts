/**
 * The value that would stand at position `n` if the values were sorted, without sorting them: Hoare's selection, about
 * a tenth of a sort's time for a few hundred values. The values change places.
 *
 * @param values no NaN among them
 * @param n 0 for the least
 */
export function nthSmallest(values: Float32Array, n: number): number {
  let first = 0;
  let last = values.length - 1;
  while (first < last) {
    const pivot = values[n]!;
    let i = first;
    let j = last;
    while (i <= j) {
      while (values[i]! < pivot) i += 1;
      while (values[j]! > pivot) j -= 1;
      if (i > j) break;
      const swapped = values[i]!;
      values[i] = values[j]!;
      values[j] = swapped;
      i += 1;
      j -= 1;
    }
    // Up to j all are at most the pivot, from i on at least; between them they are it.
    if (j < n) first = i;
    if (n < i) last = j;
  }
  return values[n]!;
}
