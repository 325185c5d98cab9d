// The bounds of the format (docs/PROTOCOL.md, section 21), which decoding holds every number against, and of what one
// page takes on.

export const version = 1

export const maxKind = 255
export const maxModule = 255
export const maxContentType = 255
export const maxSubject = 1 << 10
export const maxHeaders = 4 << 10
export const maxPayload = 1 << 20

export const maxOpEntries = 4096
export const maxOp = 64 << 10
export const maxSingleOp = maxPayload + (16 << 10)
// maxSeq and maxClock are the first numbers that are no seq and no clock.
export const maxSeq = 2n ** 53n
export const maxClock = 2n ** 63n
// maxAnchorSearch bounds the signatures that are looked at for the anchor of a run.
export const maxAnchorSearch = 64
export const maxAdmins = 64
export const maxGenesis = 4 << 10
// maxProof bounds the JSON form of a proof, maxPath the hashes of its path.
export const maxProof = 32 << 20
export const maxPath = 12

export const maxHeads = 1024 // of an author in a message
export const maxVectorAuthors = 1024
export const maxRunOps = 4096
export const maxLeave = 1 << 10
// maxRatio bounds how many times longer than a packed frame's body what is packed in it may be.
export const maxRatio = 64
// maxWindow bounds the window that a packed frame may ask for, in bytes.
export const maxWindow = 8 << 20
// maxBundleHeads bounds the heads of each of the two frontiers of a bundle, and the authors that are told of.
export const maxBundleHeads = 1 << 19

// What one page takes on: quipu bundle show has no such bounds. A file may have so many bytes, a frontier so many heads, and
// a bundle so many authors.
export const maxFile = 1 << 30
export const maxHere = 100_000
