package api

// Setting is one of those that a node runs with, and where it was said. No secret is among them: a setting names the file that holds one.
type Setting struct {
	// Name is that of the field of quipu.yaml, and of the flag of quipu start where there is one.
	Name string `json:"name"`
	// Value is what holds, as quipu.yaml would say it; empty where nothing is said and the default is no constant.
	Value string `json:"value"`
	// Source says where it was said: "default", "quipu.yaml", "environment" or "flag".
	Source string `json:"source"`
	// About says in words what it is; left out where what stands before it in quipu.yaml says that.
	About string `json:"about,omitempty"`
}
