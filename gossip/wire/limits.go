package wire

import "github.com/quipulog/quipu/crdt"

const (
	// Version is the version of the protocol.
	Version = 1

	// MaxName bounds a node's display name, in bytes.
	MaxName = 64
	// MaxGenesis bounds an encoded genesis, in bytes.
	MaxGenesis = 4 << 10
	// MaxHeads bounds the heads of one author in one message.
	MaxHeads = 1024
	// MaxShut bounds the authors of one Shut. Of a node that shuts more, peers know the first so
	// many and offer the others in vain.
	MaxShut = 8192
	// MaxVectorAuthors bounds the authors of one Vector. A larger frontier is sent in parts.
	MaxVectorAuthors = 1024
	// MaxWants bounds the wants of one Missing.
	MaxWants = 64
	// MaxRunOps bounds the ops of one Ops.
	MaxRunOps = 4096
	// MaxRunBytes bounds the bytes of the ops of one Ops, unless it carries only one.
	MaxRunBytes = 256 << 10
	// MaxText bounds the text of a Bye, in bytes.
	MaxText = 255

	// maxVector bounds the body of a Vector, in bytes; one author's heads always fit.
	maxVector = 256 << 10
	// maxLeave bounds the bytes of a leave: a header and a signature.
	maxLeave = 1 << 10
)

// The sizes that limits are made of, in bytes.
const (
	authorSize = len(crdt.Author{})
	headSize   = 8 + len(crdt.OpID{})
	headerSize = 5 // of a frame
)

// MaxBody returns the most bytes that the body of a message of kind k may have, 0 for a kind that
// does not exist.
func (k Kind) MaxBody() int {
	switch k {
	case KindHello:
		return 64 + MaxGenesis + MaxName + MaxHeads*headSize
	case KindShut:
		return 4 + MaxShut*authorSize
	case KindOffer:
		return len(crdt.Hash{})
	case KindVector:
		return maxVector
	case KindMissing:
		return 2 + MaxWants*(authorSize+4+crdt.MaxLocator*headSize)
	case KindOps:
		return authorSize + 5 + maxLeave + MaxRunOps*4 + crdt.MaxSingleOp
	case KindDone:
		return authorSize + 1
	case KindBye:
		return 2 + MaxText
	}
	return 0
}
