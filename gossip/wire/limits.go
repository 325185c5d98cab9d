package wire

import "github.com/quipulog/quipu/crdt"

const (
	// Version is the version of the protocol.
	Version = 1

	// MaxName bounds a node's display name, in bytes.
	MaxName = 64
	// MaxProgram bounds the version of a Program, in bytes.
	MaxProgram = 64
	// MaxGenesis bounds an encoded genesis, in bytes.
	MaxGenesis = 4 << 10
	// MaxHeads bounds the heads of one author in one message.
	MaxHeads = 1024
	// MaxShut bounds the authors of one Shut. Of a node that shuts more, peers know the first so
	// many and offer the others in vain.
	MaxShut = 8192
	// MaxVectorAuthors bounds the authors of one Vector. A larger frontier is sent in parts.
	MaxVectorAuthors = 1024
	// MaxProbes bounds the probes of one Probe.
	MaxProbes = 256
	// MaxNodes bounds the nodes of one Nodes.
	MaxNodes = 256
	// MaxHaves bounds the runs that one IHave names.
	MaxHaves = 1024
	// MaxWants bounds the wants of one Missing, Graft or Spans.
	MaxWants = 64
	// MaxRunOps bounds the ops of one Ops.
	MaxRunOps = 4096
	// MaxRunBytes bounds the bytes of the ops of one Ops, unless it carries only one.
	MaxRunBytes = 256 << 10
	// MaxHops is how many links a transient event has passed when it is sent for the last time.
	MaxHops = 1
	// MaxConditions bounds the conditions of one Conditions.
	MaxConditions = 32
	// MaxRatio bounds how many times longer than a packed frame's body what is packed in it may be: events
	// get 5 to 20 times shorter, and what a peer sends is not much less than what it makes others keep.
	MaxRatio = 64
	// MaxMillis bounds what a Time can say, in milliseconds since 1970: as the clock of an op.
	MaxMillis = 1 << 47
	// MaxMembers bounds the members of one Members: more than a node can know of at a time.
	MaxMembers = 4096
	// MaxAgo is how long ago a member was heard of at most that one Members names, in seconds: 30 days.
	MaxAgo = 30 * 24 * 60 * 60
	// MaxText bounds the text of a Bye, in bytes.
	MaxText = 255

	// maxVector bounds the body of a Vector, in bytes; one author's heads always fit.
	maxVector = 256 << 10
	// maxLeave bounds the bytes of a leave: a header and a signature.
	maxLeave = 1 << 10
	// maxOps bounds the body of an Ops, the largest there is, in bytes.
	maxOps = authorSize + 4 + 2 + 2 + maxLeave + 2 + MaxRunOps*4 + crdt.MaxSingleOp
)

// The sizes that limits are made of, in bytes.
const (
	authorSize = len(crdt.Author{})
	headSize   = 8 + len(crdt.OpID{})
	headerSize = 5 // of a frame
	printSize  = len(crdt.Print{})
	pathSize   = 1 + crdt.MaxPath/2
	probeLeast = 1 + 1
	nodeLeast  = 1 + 4 + 2
	nodeSize   = pathSize + 4 + 2 + 16*printSize
	spanSize   = 4 + authorSize + headSize + 8 + 8 + 4
	haveSize   = authorSize + headSize + 2
	knownLeast = authorSize + 4 + 1
	packedHead = 1 + 4 // before the compressed bytes
)

// MaxBody returns the most bytes that the body of a frame of kind k may have, 0 for a kind that does
// not exist.
func (k Kind) MaxBody() int {
	switch k {
	case KindHello:
		return 80 + MaxGenesis + MaxName + MaxHeads*headSize
	case KindShut:
		return 4 + MaxShut*authorSize
	case KindOffer:
		return 4 + len(crdt.Hash{})
	case KindSame:
		return 4
	case KindProbe:
		return 4 + 2 + MaxProbes*(pathSize+1)
	case KindNodes:
		return 4 + 1 + 2 + MaxNodes*nodeSize
	case KindVector:
		return maxVector
	case KindMissing, KindGraft:
		return 2 + MaxWants*(4+authorSize+4+crdt.MaxLocator*headSize)
	case KindSpans:
		return 2 + MaxWants*spanSize
	case KindOps:
		return maxOps
	case KindDone:
		return 4 + authorSize + 1 + 8
	case KindIHave:
		return 2 + MaxHaves*haveSize
	case KindBye:
		return 2 + MaxText
	case KindTransient:
		return 1 + crdt.MaxBroadcast
	case KindConditions:
		return 1 + MaxConditions
	case KindTime:
		return 4 + 8
	case KindWho:
		return 4
	case KindMembers:
		return 4 + 2 + MaxMembers*(knownLeast+MaxName)
	case KindKeeps:
		return 1 + 1 + 8 + 8
	case KindAwait:
		return headSize
	case KindProgram:
		return 1 + MaxProgram
	case KindPage:
		return 1 + MaxText
	case KindPacked:
		return packedHead + maxOps
	}
	return 0 // Detach too has none.
}
