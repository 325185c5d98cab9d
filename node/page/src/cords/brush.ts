// A Brush draws on a canvas and counts: each line, shape, image and word is one stroke. Nothing is drawn past it, so that
// `strokes` is what a frame cost.
export class Brush {
  strokes = 0

  constructor(readonly ctx: CanvasRenderingContext2D, readonly ratio: number) {}

  begin(width: number, height: number): void {
    this.strokes = 0
    this.ctx.setTransform(this.ratio, 0, 0, this.ratio, 0, 0)
    this.ctx.clearRect(0, 0, width, height)
  }

  // within draws what fn draws inside of a rectangle alone.
  within(x: number, y: number, width: number, height: number, fn: () => void): void {
    this.ctx.save()
    this.ctx.beginPath()
    this.ctx.rect(x, y, width, height)
    this.ctx.clip()
    fn()
    this.ctx.restore()
  }

  line(points: readonly number[], style: string | CanvasPattern, width: number, dash: readonly number[] = []): void {
    if (points.length < 4) return
    const { ctx } = this
    ctx.beginPath()
    ctx.moveTo(points[0]!, points[1]!)
    for (let i = 2; i + 1 < points.length; i += 2) ctx.lineTo(points[i]!, points[i + 1]!)
    this.#stroke(style, width, dash)
  }

  arc(x: number, y: number, rx: number, ry: number, from: number, to: number, style: string, width: number): void {
    this.ctx.beginPath()
    this.ctx.ellipse(x, y, rx, ry, 0, from, to)
    this.#stroke(style, width, [])
  }

  #stroke(style: string | CanvasPattern, width: number, dash: readonly number[]): void {
    const { ctx } = this
    ctx.strokeStyle = style
    ctx.lineWidth = width
    ctx.lineJoin = 'round'
    ctx.setLineDash(dash as number[])
    ctx.stroke()
    this.strokes++
  }

  rect(x: number, y: number, width: number, height: number, style: string | CanvasGradient): void {
    this.ctx.fillStyle = style
    this.ctx.fillRect(x, y, width, height)
    this.strokes++
  }

  // area fills what a line goes round.
  area(points: readonly number[], style: string): void {
    const { ctx } = this
    ctx.beginPath()
    for (let i = 0; i + 1 < points.length; i += 2) ctx.lineTo(points[i]!, points[i + 1]!)
    ctx.fillStyle = style
    ctx.fill()
    this.strokes++
  }

  // fade lays a colour over a strip, that grows thicker downwards (1) or upwards (-1).
  fade(x: number, y: number, width: number, height: number, colour: string, way: 1 | -1): void {
    const thick = this.ctx.createLinearGradient(0, way > 0 ? y : y + height, 0, way > 0 ? y + height : y)
    thick.addColorStop(0, `${colour}00`)
    thick.addColorStop(0.6, `${colour}f0`)
    thick.addColorStop(1, colour)
    this.rect(x, y, width, height, thick)
  }

  disc(x: number, y: number, r: number, style: string): void {
    this.ctx.beginPath()
    this.ctx.arc(x, y, r, 0, 2 * Math.PI)
    this.ctx.fillStyle = style
    this.ctx.fill()
    this.strokes++
  }

  image(image: CanvasImageSource, x: number, y: number, width: number, height: number): void {
    this.ctx.drawImage(image, x, y, width, height)
    this.strokes++
  }

  // text writes a word at x, y, turned by so much. What it stands on is set by align.
  text(text: string, x: number, y: number, style: string, font: string, align: CanvasTextAlign = 'left', turn = 0): void {
    const { ctx } = this
    ctx.fillStyle = style
    ctx.font = font
    ctx.textAlign = align
    ctx.textBaseline = 'middle'
    if (turn === 0) ctx.fillText(text, x, y)
    else {
      ctx.save()
      ctx.translate(x, y)
      ctx.rotate(turn)
      ctx.fillText(text, 0, 0)
      ctx.restore()
    }
    this.strokes++
  }
}
