// Place says where an entry stands: AUTHOR/SEQ, and on a disputed branch AUTHOR/SEQ@BRANCH, the first 16 hex digits of the op's id.
export interface Place { author: string, seq: number, branch?: string }

export function parsePlace(text: string): Place | null {
  const found = /^([0-9a-f]{64})\/(0|[1-9][0-9]{0,15})(?:@([0-9a-f]{16}))?$/.exec(text)
  if (!found) return null
  return { author: found[1]!, seq: Number(found[2]), ...(found[3] ? { branch: found[3] } : {}) }
}

export function formatPlace(place: Place): string {
  return `${place.author}/${place.seq}${place.branch ? `@${place.branch}` : ''}`
}

// placeOf is the place of an entry as the node gives it.
export function placeOf(entry: { author: string, seq: number, op: string, disputed?: boolean }): Place {
  return { author: entry.author, seq: entry.seq, ...(entry.disputed ? { branch: entry.op.slice(0, 16) } : {}) }
}
