// The colours of the picture. A kind has a dye and a shape; cords have the tones that cotton grows in.
export interface Palette {
  readonly ground: string, readonly ink: string, readonly faint: string, readonly line: string
  readonly cotton: readonly string[], readonly shade: string, readonly light: string
  // torn is the edge of torn ground, table what is seen through it.
  readonly torn: string, readonly table: string
  readonly gone: string, readonly warn: string, readonly focus: string
  // dyes are those of the kinds, and the last that of all other kinds.
  readonly dyes: readonly string[]
}

export const palettes: { readonly light: Palette, readonly dark: Palette } = {
  light: {
    ground: '#f6f0e4', ink: '#2b2118', faint: '#665a4a', line: '#d3c5ab',
    cotton: ['#94713f', '#7d5c33', '#a07848', '#86694a', '#967a4e'], shade: 'rgba(58, 36, 10, .42)', light: 'rgba(255, 246, 224, .55)',
    torn: '#fffdf8', table: '#e4d8c0',
    gone: '#8b8680', warn: '#a3221c', focus: '#1c5d8c',
    dyes: ['#a3142e', '#2c4a9e', '#ad6f00', '#3c7a2c', '#7a2f8f', '#0d7a80', '#c44d0c', '#c03a74', '#5f3b1e', '#2a7cb8', '#6f7410', '#46505e', '#857458'],
  },
  dark: {
    ground: '#1b1612', ink: '#f0e6d6', faint: '#b8a992', line: '#463b2f',
    cotton: ['#d9c7a3', '#c4a877', '#e8dcc2', '#b59a6e', '#cdbb9a'], shade: 'rgba(40, 24, 6, .5)', light: 'rgba(255, 250, 236, .5)',
    torn: '#5a4c3d', table: '#0d0a08',
    gone: '#7d766e', warn: '#ff9387', focus: '#8cc8f5',
    dyes: ['#f2636d', '#8f9ff2', '#ecb43c', '#8cc463', '#c58fe3', '#55c0b2', '#f08e4f', '#ea93b8', '#c18a55', '#7dbde8', '#c9c64e', '#a9b6c6', '#b8a992'],
  },
}

// shape adds the outline of a kind's knot to a path: about x, y, in a circle of radius r. Each is another one, so that
// kinds are told apart without their colours, too.
export function shape(path: CanvasPath, dye: number, x: number, y: number, r: number): void {
  const draw = shapes[dye] ?? shapes[shapes.length - 1]!
  draw(path, x, y, r)
}

type Draw = (path: CanvasPath, x: number, y: number, r: number) => void

// polygon is one with its corners at such angles, in turns from the top, and such parts of r.
const polygon = (corners: readonly (readonly [turn: number, part: number])[]): Draw => (path, x, y, r) => {
  corners.forEach(([turn, part], i) => {
    const a = 2 * Math.PI * turn
    const px = x + Math.sin(a) * r * part
    const py = y - Math.cos(a) * r * part
    if (i === 0) path.moveTo(px, py)
    else path.lineTo(px, py)
  })
  path.closePath()
}

const regular = (n: number, part: number, turned = 0): Draw =>
  polygon(Array.from({ length: n }, (_, i) => [(i + turned) / n, part] as const))

const star = (n: number, inner: number): Draw =>
  polygon(Array.from({ length: 2 * n }, (_, i) => [i / (2 * n), i % 2 === 0 ? 1.1 : inner] as const))

const circle = (part: number, dx = 0, dy = 0): Draw => (path, x, y, r) => {
  path.moveTo(x + dx * r + part * r, y + dy * r)
  path.arc(x + dx * r, y + dy * r, part * r, 0, 2 * Math.PI)
  path.closePath()
}

const box = (w: number, h: number): Draw => (path, x, y, r) => { path.rect(x - w * r, y - h * r, 2 * w * r, 2 * h * r) }

const both = (a: Draw, b: Draw): Draw => (path, x, y, r) => { a(path, x, y, r); b(path, x, y, r) }

const plus: Draw = (path, x, y, r) => {
  const [a, b] = [r, r * 0.36]
  const corners = [[-b, -a], [b, -a], [b, -b], [a, -b], [a, b], [b, b], [b, a], [-b, a], [-b, b], [-a, b], [-a, -b], [-b, -b]] as const
  corners.forEach(([dx, dy], i) => { if (i === 0) path.moveTo(x + dx, y + dy); else path.lineTo(x + dx, y + dy) })
  path.closePath()
}

const crescent: Draw = (path, x, y, r) => {
  path.moveTo(x + r * 0.55, y - r * 0.84)
  path.arc(x, y, r, -1, 1, true)
  path.arc(x + r * 0.62, y, r * 0.84, Math.PI / 2 + 0.1, -Math.PI / 2 - 0.1)
  path.closePath()
}

const shapes: readonly Draw[] = [
  circle(0.92), box(0.8, 0.8), regular(4, 1.12), regular(3, 1.14), regular(3, 1.14, 0.5), regular(6, 1, 0.5), plus,
  star(5, 0.48), both(circle(0.56, 0, -0.52), circle(0.56, 0, 0.52)), box(1.1, 0.48),
  polygon([[-0.125, 1.15], [0.125, 1.15], [0.375, 1.15], [0.625, 1.15]]), crescent, box(0.42, 1.05),
]
