package main

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// TestMain makes the test binary answer to the name quipu, so that scripts run the real command line.
func TestMain(m *testing.M) {
	// More scripts run at once than there are processors: their daemons wait for each other most of the time.
	if err := flag.Set("test.parallel", strconv.Itoa(4*runtime.GOMAXPROCS(0))); err != nil {
		panic(err) // the testing package has another flag for it
	}
	testscript.Main(m, map[string]func(){"quipu": main})
}

// TestScript runs testdata/script, one behaviour a script. Beside testscript's own commands there are
//
//	exits CODE COMMAND...     runs a command and wants exactly that exit code
//	until REGEXP COMMAND...   runs a command again and again until its stdout matches
//	capture NAME REGEXP       sets $NAME to what the first group matches in the last stdout
//	replace FILE OLD NEW      replaces text in a file
//	configure DIR FILE        makes DIR/quipu.yaml of the lines of a file and its own line "log:"
//	flip FILE OFFSET          changes the byte of a file at an offset
//	cut FILE SIZE             cuts a file off at a size
//	corrupt FILE TEXT         changes the first byte of every copy of a text in a file
//	disguise DIR...           has copied folders look like their originals
//	rebooted DIR...           has folders look as after a start of the machine
//	fill FILE N [BEFORE AFTER]  writes N letters, with text before and after
//	repeat FILE N LINE        writes a line N times
//	events FILE               prints the JSON forms in a file without what is another log's
//	written DIR DURATION      appends a trimmable entry by a wall clock that is off by so much
//	subjects NAME...          wants the subjects of the last table to be these, in this order
//	daemon start DIR ARG...   runs quipu start and waits for its ready line; sets $DIR_addr, $DIR_socket and $DIR_http. All
//	                          daemons of a script share a secret, in DIR/secret, unless an ARG says which or
//	                          $OWN_SECRETS is set
//	ready DIR WHY             wants the last ready line in DIR to have said that it recovers, and why; '' for not
//	daemon logged DIR REGEXP  waits until the daemon has logged a line that matches
//	daemon term DIR           sends SIGTERM
//	daemon pause DIR          sends SIGSTOP, on Unix; daemon resume DIR sends SIGCONT
//	daemon stop DIR           sends SIGTERM and wants exit code 0
//	daemon kill DIR           sends SIGKILL
//	daemon wait DIR CODE      waits until the daemon ends by itself
//	daemon hangup DIR         sends SIGHUP and wants exit code 0
//	deaf start DIR            stands in for a daemon; it tells its status and answers nothing else
//	deaf called DIR ROUTE     waits until it was called otherwise
//	deaf kill DIR             ends it, and every call
func TestScript(t *testing.T) {
	if signal.Ignored(syscall.SIGHUP) {
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP) // under nohup the daemons would ignore it, too
	}
	eventlogtest.Memory()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			fleet := daemons{}
			env.Values[fleetKey] = fleet
			env.Values[deafKey] = map[string]*deaf{}
			env.Defer(fleet.killAll)
			// Short: the folders of a script may be too deep for a socket, that of temporary files not.
			temp, err := os.MkdirTemp("", "qs")
			env.Setenv("TMPDIR", temp)
			// Under the race detector every process would sleep a second before it exits.
			env.Setenv("GORACE", "atexit_sleep_ms=0")
			env.Defer(func() { os.RemoveAll(temp) })
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"written": written,
			"exits":   exits, "capture": capture, "replace": replace, "configure": configure, "flip": flip, "cut": cut, "daemon": daemonCommand,
			"corrupt": corrupt, "fill": fill, "repeat": repeat, "events": events, "subjects": subjects, "until": until,
			"deaf": deafCommand, "disguise": disguise, "rebooted": rebooted, "ready": ready,
		},
		Condition: func(name string) (bool, error) {
			if name == "root" {
				return os.Geteuid() == 0, nil
			}
			return false, errors.New("unknown condition " + name)
		},
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	ts.Logf("[stdout]\n%s[stderr]\n%s", ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until REGEXP COMMAND...")
	}
	re, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	for deadline := time.Now().Add(patience); ; {
		err := ts.Exec(args[1], args[2:]...)
		if err == nil && re.MatchString(ts.ReadFile("stdout")) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%q does not come within %s: %v", args[0], patience, err)
		}
	}
}

func capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: capture NAME REGEXP")
	}
	re, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	match := re.FindStringSubmatch(ts.ReadFile("stdout"))
	if len(match) != 2 {
		ts.Fatalf("no match, or no group, for %q", args[1])
	}
	ts.Setenv(args[0], match[1])
}

func replace(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: replace FILE OLD NEW")
	}
	edit(ts, args[0], func(b []byte) []byte {
		re := regexp.MustCompile(regexp.QuoteMeta(args[1]))
		if !re.Match(b) {
			ts.Fatalf("%s does not hold %q", args[0], args[1])
		}
		return re.ReplaceAllLiteral(b, []byte(args[2]))
	})
}

func configure(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: configure DIR FILE")
	}
	edit(ts, filepath.Join(args[0], "quipu.yaml"), func(b []byte) []byte {
		log := regexp.MustCompile(`(?m)^log: .*\n`).Find(b)
		return append([]byte(ts.ReadFile(args[1])), log...)
	})
}

func flip(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: flip FILE OFFSET")
	}
	edit(ts, args[0], func(b []byte) []byte {
		at, err := strconv.Atoi(args[1])
		ts.Check(err)
		b[at] ^= 0xff
		return b
	})
}

func cut(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: cut FILE SIZE")
	}
	size, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	ts.Check(os.Truncate(ts.MkAbs(args[0]), size))
}

// edit changes a file in place.
func edit(ts *testscript.TestScript, name string, change func([]byte) []byte) {
	path := ts.MkAbs(name)
	b, err := os.ReadFile(path)
	ts.Check(err)
	stat, err := os.Stat(path)
	ts.Check(err)
	ts.Check(os.WriteFile(path, change(b), stat.Mode().Perm()))
}

// binary returns the path of the quipu that scripts run.
func binary(ts *testscript.TestScript) string {
	return filepath.Join(filepath.SplitList(ts.Getenv("PATH"))[0], "quipu")
}
