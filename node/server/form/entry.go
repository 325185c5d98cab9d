package form

// Event is what a program hands in. The fields that say where an entry stands are let pass, so that what was read can be
// sent again.
type Event struct {
	Author   author `json:"author,omitempty" doc:"Let pass, and so are seq, op, disputed, clock and offset: an event that was read as an entry has them."`
	Seq      uint64 `json:"seq,omitempty" doc:"Let pass."`
	Op       hash   `json:"op,omitempty" doc:"Let pass."`
	Disputed bool   `json:"disputed,omitempty" doc:"Let pass."`
	Clock    clock  `json:"clock,omitempty" doc:"Let pass."`
	Offset   uint64 `json:"offset,omitempty" doc:"Let pass."`

	Time      string `json:"time,omitempty" format:"date-time" doc:"When it happened. Without it, when the node took it."`
	Retention string `json:"retention,omitempty" enum:"persistent,trimmable,transient" doc:"Whether nodes may drop the body once it is old. Without it, persistent. What is transient is broadcast, and not appended."`
	Said
}

// Said is what an event says.
type Said struct {
	Kind        string            `json:"kind" minLength:"1" maxLength:"255" doc:"What happened. What begins with quipu. is reserved."`
	Module      string            `json:"module,omitempty" maxLength:"255" doc:"Which part or instance of a program says so."`
	Subject     string            `json:"subject,omitempty" maxLength:"1024" doc:"What it is about."`
	ContentType string            `json:"contentType,omitempty" maxLength:"255" doc:"Of the payload. Without it, application/json."`
	Headers     map[string]string `json:"headers,omitempty" doc:"Texts beside the payload, of at most 4096 bytes in all."`
	// The payload has one of the two, or neither where it is empty.
	Payload       any    `json:"payload,omitempty" doc:"The payload, where it is JSON without needless white space."`
	PayloadBase64 string `json:"payloadBase64,omitempty" encoding:"base64" doc:"The payload, where it is anything else."`
}

// Stands is where an entry stands.
type Stands struct {
	Author   author `json:"author" doc:"Who has written it."`
	Seq      uint64 `json:"seq" doc:"Its number among those of its author, from 0."`
	Op       hash   `json:"op" doc:"The id of the op that holds it."`
	Disputed bool   `json:"disputed,omitempty" doc:"Its author contradicts itself, and it stands on one of the branches."`
	Clock    clock  `json:"clock"`
	Offset   uint64 `json:"offset,omitempty" doc:"Its number in the order in which entries came to this node."`
}

// Entry is an event in the log.
type Entry struct {
	Stands
	Time      string `json:"time" format:"date-time" doc:"When it happened, by its writer's word."`
	Retention string `json:"retention" enum:"persistent,trimmable" doc:"Whether nodes may drop the body once it is old."`
	Said
}

// Gone stands in the place of entries of which there is nothing but their number any more.
type Gone struct {
	Stands
	Gone      uint64 `json:"gone" minimum:"1" doc:"How many they are, from seq on."`
	Retention string `json:"retention" enum:"persistent,trimmable" doc:"Whether nodes might drop the bodies once they were old."`
}

// Broadcast is a transient event that was heard.
type Broadcast struct {
	Author    author `json:"author"`
	Clock     clock  `json:"clock"`
	Time      string `json:"time" format:"date-time" doc:"When it happened, by its writer's word."`
	Retention string `json:"retention" enum:"transient" doc:"It is stored nowhere."`
	Said
}

// Missed says that transient events were missed before the next one.
type Missed struct {
	Missed uint64 `json:"missed" minimum:"1" doc:"How many."`
}

// EntryProof proves one entry to who has nothing but its author's key and the log's id.
type EntryProof struct {
	Version uint64   `json:"version" enum:"1" doc:"Of the form of the proof."`
	Log     log      `json:"log"`
	Place   place    `json:"place"`
	Index   uint64   `json:"index" doc:"Of the entry within its op."`
	Entry   []byte   `json:"entry" doc:"The entry as its author has encoded it."`
	Path    []hash   `json:"path" maxItems:"12" doc:"The Merkle path from the entry to the op's root."`
	Headers [][]byte `json:"headers" minItems:"1" doc:"Headers with their signatures, from the entry's op up to its anchor."`
}
