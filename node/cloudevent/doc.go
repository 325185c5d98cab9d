// Package cloudevent maps CloudEvents 1.0 to the events of the log, and entries to CloudEvents. It does nothing else: what
// comes over a network, and which of the forms it has, is its caller's to know.
//
//	CloudEvent        event
//	type              Kind
//	source            Module
//	subject           Subject
//	time              Time; without one, that of the append
//	datacontenttype   ContentType, as it stands there
//	data              Payload: JSON without white space between its parts, or the bytes of a text of another type
//	data_base64       Payload: the bytes
//	id                the header ce-id
//	dataschema        the header ce-dataschema
//	an extension      the header of its name; true and 7 become texts
//	quipuretention    Retention
//	quipuheaders      the headers that are no extensions, a JSON object of texts
//
// There are three forms: an object in JSON ([Parse]), a list of them ([ParseBatch]), and attributes as HTTP headers with the
// data as body ([FromHeader]). What an event has no room for is an error that names it: a source of more than 255 bytes, a
// list as an extension, a time that is finer than a nanosecond. Nothing is left out unsaid. All errors wrap [ErrInvalid] or
// [crdt.ErrEvent].
//
// An entry becomes a CloudEvent by [Append]. One that was a CloudEvent is the same one again, but that extensions have become
// texts and times are in UTC. Of one that was not, id is its place, and source its module, percent-encoded where it is no
// URI reference, or "quipu:AUTHOR" where it has none. Data that is JSON as the node writes it stands there as JSON, a text as
// a text, and all else in base64. Each has quipuplace, quipuclock and quipuoffset, which say where it stands; they are let
// pass when it is sent again.
//
// The text forms of CloudEvents have no control characters. A kind or subject that has one cannot be told as one, which is
// an error; a header that has one is among quipuheaders.
package cloudevent
