// Columns say where cords hang: the x of each, how far they are apart, and how far the whole can be moved to the left.
export interface Columns { readonly x: readonly number[], readonly apart: number, readonly pannable: number }

const nearest = 5

// farthest is how far apart cords hang at most, where there is so much room.
const farthest = (room: number): number => Math.max(240, room / 8)

// columns spreads n cords over the width right of the axis. Few hang in the middle; more than fit hang as near as they may,
// and the rest is reached by panning, `pan` pixels of which are done.
export function columns(n: number, left: number, width: number, pan: number): Columns {
  const room = Math.max(1, width - left)
  const apart = Math.min(farthest(room), Math.max(nearest, room / Math.max(1, n)))
  const all = apart * n
  const pannable = Math.max(0, all - room)
  const begin = left + Math.max(0, (room - all) / 2) + apart / 2 - Math.min(Math.max(0, pan), pannable)
  return { x: Array.from({ length: n }, (_, i) => begin + i * apart), apart, pannable }
}

// column is the index of the cord that hangs nearest to x, -1 where there is none within reach.
export function column(columns: Columns, x: number, reach: number): number {
  const first = columns.x[0]
  if (first === undefined) return -1
  const i = Math.min(columns.x.length - 1, Math.max(0, Math.round((x - first) / columns.apart)))
  return Math.abs(columns.x[i]! - x) <= reach ? i : -1
}

// labelled says which cords have room for a label: every so many, in such a way that the one at `first` is among them.
export function labelled(columns: Columns, room: number, first: number): boolean[] {
  const n = columns.x.length
  const shown = new Array<boolean>(n).fill(false)
  if (n === 0) return shown
  const step = Math.max(1, Math.ceil(room / columns.apart))
  const start = first >= 0 ? first % step : 0
  for (let i = start; i < n; i += step) shown[i] = true
  return shown
}
