package form

// CloudEvent is an event in the JSON form of CloudEvents 1.0. It may have extensions beside these.
type CloudEvent struct {
	_ struct{} `additionalProperties:"true"`

	SpecVersion string `json:"specversion" enum:"1.0" doc:"Of CloudEvents."`
	ID          string `json:"id" minLength:"1" doc:"Of an entry that was no CloudEvent, its place."`
	Source      string `json:"source" minLength:"1" maxLength:"255" format:"uri-reference" doc:"The module."`
	Type        string `json:"type" minLength:"1" maxLength:"255" doc:"The kind."`
	Subject     string `json:"subject,omitempty" maxLength:"1024" doc:"The subject."`
	Time        string `json:"time,omitempty" format:"date-time" doc:"Without it, when the node took it."`
	ContentType string `json:"datacontenttype,omitempty" maxLength:"255" doc:"The content type of the payload. Without it, application/json."`
	Schema      string `json:"dataschema,omitempty" format:"uri" doc:"Kept as a header of the entry."`
	Data        any    `json:"data,omitempty" doc:"The payload, where it is JSON or a text."`
	DataBase64  string `json:"data_base64,omitempty" encoding:"base64" doc:"The payload, where it is anything else."`

	Retention string `json:"quipuretention,omitempty" enum:"persistent,trimmable" doc:"Whether nodes may drop the body once it is old. Without it, persistent."`
	Headers   string `json:"quipuheaders,omitempty" doc:"Headers that are no extensions: a JSON object of texts."`
	Place     place  `json:"quipuplace,omitempty" doc:"Of an entry, and let pass in what is sent."`
	Clock     clock  `json:"quipuclock,omitempty" doc:"Of an entry, and let pass in what is sent."`
	Offset    string `json:"quipuoffset,omitempty" doc:"Its number in the order in which entries came to this node; let pass in what is sent."`
}
