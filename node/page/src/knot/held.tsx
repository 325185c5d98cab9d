import { list } from '../format'
import { called } from '../node'
import { formatPlace, type Place } from '../place'
import { useResource } from '../resource'
import { checks as texts } from '../text'

interface Where { nodes: { author: string, name?: string, holding: string, self?: boolean }[] }

// Held says which nodes hold the entry durably, as far as this node has heard.
export function Held({ place }: { place: Place }) {
  const { value } = useResource<Where>(`/v1/entries/${encodeURIComponent(formatPlace(place))}/where`, {}, 5000)
  if (!value) return null
  const others = value.nodes.filter(n => n.holding === 'holds' && !n.self)
  return (
    <section class="held" aria-label={texts.knot.held}>
      <h3>{texts.knot.held}</h3>
      <p>{texts.knot.holders(others.length, list(others.slice(0, 8).map(n => called(n.author, n.name))), others.length - 8, value.nodes.length - 1 - others.length)}</p>
    </section>
  )
}
