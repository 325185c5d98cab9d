import { signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { Stranger } from '../safe'
import { kind, show } from '../state'
import { texts } from '../text'
import { theme } from '../theme'
import { Brush } from './brush'
import { palettes, shape } from './dyes'
import { other } from './kinds'
import type { Mark, Seen } from './seen'
import { draw, high, wide } from './signs'

// has is what the picture has of what the legend explains, and dye that of the kind in which it shows knots.
export const has = signal<{ marks: ReadonlySet<Mark>, dye: number }>({ marks: new Set(['cord', 'main', 'one', 'bundle']), dye: other })

// told takes what is seen for the legend, wherever that stands.
export function told(seen: Seen): void {
  const dye = seen.kinds[0]?.[1] ?? other
  const known = has.peek()
  if (dye !== known.dye || [...seen.has].join() !== [...known.marks].join()) has.value = { marks: seen.has, dye }
}

// Legend is the line at the picture: each kind that is here with its knot, of which a press shows it alone, and what else is drawn.
export function Legend({ seen }: { seen: Seen | null }) {
  const one = kind.value.length === 1
  return (
    <div class="legend-line">
      {seen && seen.kinds.length > 0 && (
        <ul class="kinds" aria-label={texts.cords.kinds}>
          {seen.kinds.map(([name, dye]) => (
            <li key={name}>
              <button type="button" class="quiet" aria-pressed={one && kind.value[0] === name} title={texts.cords.only}
                onClick={() => show({ kind: one && kind.value[0] === name ? [] : [name] })}>
                <Knot dye={dye} /><Stranger text={name} max={40} />
              </button>
            </li>
          ))}
          {seen.rest && <li class="faint"><Knot dye={other} /> {texts.cords.otherKinds}</li>}
        </ul>
      )}
      <ul class="kinds faint" aria-label={texts.picture.signs}>
        {texts.picture.legend.map(([mark, brief]) => brief !== '' && has.value.marks.has(mark) && <li key={mark}><Sign mark={mark} />{brief}</li>)}
      </ul>
    </div>
  )
}

// Knot is a kind's knot, as the picture has it.
function Knot({ dye }: { dye: number }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  useEffect(() => {
    const ctx = canvas.current?.getContext('2d')
    if (!ctx) return
    ctx.clearRect(0, 0, 36, 36)
    ctx.beginPath()
    shape(ctx, dye, 18, 18, 14)
    ctx.fillStyle = palettes[theme.value].dyes[dye]!
    ctx.fill()
  }, [dye, theme.value])
  return <canvas class="sign" ref={canvas} width={36} height={36} aria-hidden="true" />
}

// Sign is what the picture draws for something, small.
export function Sign({ mark }: { mark: Mark }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const dye = has.value.dye
  useEffect(() => {
    const ctx = canvas.current?.getContext('2d')
    if (ctx) draw(new Brush(ctx, 2), palettes[theme.value], mark, dye)
  }, [mark, dye, theme.value])
  return <canvas class={`sign of-${mark}`} ref={canvas} width={2 * wide(mark)} height={2 * high} aria-hidden="true" />
}
