// What a hand, a wheel or a key asks of the picture. Coordinates are pixels in the element; y of a zoom is what stays in place, null
// that of the knot that was chosen, or the middle.
export interface Reach {
  pan(dx: number, dy: number): void
  zoom(y: number | null, times: number): void
  point(x: number, y: number): void
  leave(): void
  press(x: number, y: number): void
  // step goes to the next cord (±1, 0) or knot (0, ±1); jump to the beginning or the end of the log.
  step(cords: number, knots: number): void
  jump(end: boolean): void
  open(): void
  whole(): void
  // rest says that a gesture is over.
  rest(): void
}

// listen gives what is done on the element to reach, until the function that it returns is called.
export function listen(element: HTMLElement, reach: Reach): () => void {
  const over = new AbortController()
  const on = <K extends keyof HTMLElementEventMap>(name: K, fn: (e: HTMLElementEventMap[K]) => void, passive = true) =>
    element.addEventListener(name, fn, { signal: over.signal, passive })
  const place = (e: { clientX: number, clientY: number }) => {
    const box = element.getBoundingClientRect()
    return [e.clientX - box.left, e.clientY - box.top] as const
  }
  on('wheel', e => {
    e.preventDefault()
    const unit = e.deltaMode === 1 ? 16 : e.deltaMode === 2 ? 400 : 1
    const [, y] = place(e)
    if (e.shiftKey) reach.pan(-(e.deltaX + e.deltaY) * unit, 0)
    else if (Math.abs(e.deltaX) > Math.abs(e.deltaY)) reach.pan(-e.deltaX * unit, 0)
    else reach.zoom(y, Math.exp(-Math.max(-120, Math.min(120, e.deltaY * unit)) / (e.ctrlKey ? 120 : 360)))
    reach.rest()
  }, false)
  pointers(element, reach, on, place)
  on('keydown', e => { if (keyed(e, reach, element)) e.preventDefault() }, false)
  return () => over.abort()
}

type On = <K extends keyof HTMLElementEventMap>(name: K, fn: (e: HTMLElementEventMap[K]) => void, passive?: boolean) => void

// pointers tells panning with one, pinching with two, and a press that has not moved.
function pointers(element: HTMLElement, reach: Reach, on: On, place: (e: PointerEvent) => readonly [number, number]): void {
  const down = new Map<number, readonly [number, number]>()
  let moved = 0
  const spread = () => {
    const [a, b] = [...down.values()]
    return a && b ? { y: (a[1] + b[1]) / 2, x: (a[0] + b[0]) / 2, apart: Math.hypot(a[0] - b[0], a[1] - b[1]) } : null
  }
  on('pointerdown', e => {
    if (e.button !== 0) return
    if (down.size === 0) moved = 0
    down.set(e.pointerId, place(e))
    element.setPointerCapture(e.pointerId)
  })
  on('pointermove', e => {
    const [x, y] = place(e)
    const from = down.get(e.pointerId)
    if (!from) {
      if (e.pointerType !== 'touch') reach.point(x, y)
      return
    }
    const before = spread()
    down.set(e.pointerId, [x, y])
    const after = spread()
    if (before && after) {
      reach.pan(after.x - before.x, after.y - before.y)
      if (before.apart > 8) reach.zoom(after.y, after.apart / before.apart)
      moved = Infinity
      return
    }
    moved += Math.abs(x - from[0]) + Math.abs(y - from[1])
    if (moved > 5) reach.pan(x - from[0], y - from[1])
  })
  const up = (e: PointerEvent) => {
    const from = down.get(e.pointerId)
    if (!from) return
    down.delete(e.pointerId)
    if (moved <= 5 && e.type === 'pointerup') reach.press(from[0], from[1])
    if (down.size === 0) reach.rest()
  }
  on('pointerup', up)
  on('pointercancel', up)
  on('pointerleave', () => { if (down.size === 0) reach.leave() })
}

// keyed does what a key stands for, and says whether it stands for anything.
export function keyed(e: { key: string, ctrlKey: boolean, metaKey: boolean, altKey: boolean }, reach: Reach, size: { clientHeight: number }): boolean {
  if (e.ctrlKey || e.metaKey || e.altKey) return false
  const middle = size.clientHeight / 2
  const done: Record<string, () => void> = {
    ArrowLeft: () => reach.step(-1, 0), ArrowRight: () => reach.step(1, 0), ArrowUp: () => reach.step(0, -1), ArrowDown: () => reach.step(0, 1),
    '+': () => reach.zoom(null, 1.6), '=': () => reach.zoom(null, 1.6), '-': () => reach.zoom(null, 1 / 1.6),
    PageUp: () => reach.pan(0, middle), PageDown: () => reach.pan(0, -middle),
    Home: () => reach.jump(false), End: () => reach.jump(true), Enter: () => reach.open(), ' ': () => reach.open(), '0': () => reach.whole(),
  }
  const act = Object.hasOwn(done, e.key) ? done[e.key] : undefined
  if (!act) return false
  act()
  reach.rest()
  return true
}
