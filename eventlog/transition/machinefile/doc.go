// Package machinefile reads a [machine.Machine] from YAML. It stands apart from package machine so
// that a program that declares its machine in Go carries no YAML.
//
// A file has these fields, of which states, moves and initial are needed:
//
//	name: door                     # for people, like about
//	about: The front door.
//	states:
//	  - open                       # a name alone, or
//	  - name: shut
//	    about: Closed, and can be opened by anyone.
//	    aliases: [shutt, closed]   # other spellings that are met for it
//	  - name: gone
//	initial: [open, shut]          # where a subject may begin
//	terminal: gone                 # what nothing leaves; one name or a list
//	moves:
//	  - from: open
//	    to: shut
//	  - from: shut
//	    to: open
//	    triggers: [key, handle]    # what may cause it; left out: anything
//	  - from: "*"                  # any state that is not terminal
//	    to: gone
//
// From and to may be lists: then each of the ones may move to each of the others.
//
// [Parse] is strict. A field that does not exist, one that stands there twice, a value of another
// shape, an anchor or alias of YAML's, a second document, and whatever [machine.Machine.Validate] finds
// are errors that name the line, what was expected, and the nearest name where one is near.
package machinefile
