// Cell is one of GET /v1/cords: [t, span, n, lo, hi, kind, count, …], times in milliseconds.
export type Cell = readonly number[]

// Rates are counts in columns of equal width: total and one list for each kind, and what is left over.
export interface Rates { times: number[], total: number[], kinds: number[][], step: number }

// rates spreads cells over so many columns of a window, each cell evenly over its own span. The sum over the columns is that of what lies in the window.
export function rates(cells: readonly Cell[], from: number, to: number, columns: number, kinds: number): Rates {
  const step = Math.max(1, (to - from) / columns)
  const made: Rates = {
    times: Array.from({ length: columns }, (_, i) => from + i * step), total: new Array<number>(columns).fill(0),
    kinds: Array.from({ length: kinds }, () => new Array<number>(columns).fill(0)), step,
  }
  for (const cell of cells) {
    const [t = 0, span = 1, n = 0] = cell
    const first = Math.max(0, Math.floor((t - from) / step)), last = Math.min(columns - 1, Math.floor((t + span - 1 - from) / step))
    for (let column = first; column <= last; column++) {
      const begin = Math.max(t, from + column * step), end = Math.min(t + span, from + (column + 1) * step)
      const part = Math.max(0, end - begin) / span
      made.total[column]! += n * part
      for (let i = 5; i + 1 < cell.length; i += 2) {
        const list = made.kinds[cell[i]!]
        if (list) list[column]! += cell[i + 1]! * part
      }
    }
  }
  return made
}
