package doctor

import (
	"cmp"
	"errors"
	"io/fs"
	"net"
	"os"
	"runtime"
	"strings"

	"github.com/quipulog/quipu/node/access"
	"github.com/quipulog/quipu/node/folder"
)

// lookAtConfig says what quipu.yaml says, and what takes the place of that.
func (c *Chart) lookAtConfig() {
	if c.unread != nil {
		c.find(Bad, "", "%v", c.unread)
		return
	}
	var said []string
	for _, s := range folder.Settings {
		if s.Text(&c.config) != "" && s.Name != "log" {
			said = append(said, s.Name)
		}
		if s.Env != "" && c.Getenv(s.Env) != "" {
			c.find(Note, "", "$%s is set here: it takes the place of %s where the daemon is started with it", s.Env, s.Name)
		}
	}
	c.find(OK, "", "%s says %s; all else has its default", c.Folder.Config(), cmp.Or(strings.Join(said, ", "), "nothing but which log it is"))
	for _, field := range []struct{ name, file, runs string }{
		{"listen", c.config.Listen, c.status.Listen}, {"http", c.config.HTTP, strings.TrimPrefix(strings.TrimPrefix(c.status.HTTP, "https://"), "http://")},
	} {
		if c.status.Running && field.file != "" && !sameAddress(field.file, field.runs) {
			c.find(Note, "write it into quipu.yaml, if it is to stay so after the next start", "%s is %s, and quipu.yaml says %s: a flag or the environment takes its place",
				field.name, cmp.Or(field.runs, "not there"), field.file)
		}
	}
}

// sameAddress reports whether a node that was told to listen at one address may listen at the other: hosts that are names,
// or every address, and port 0, are anything.
func sameAddress(told, is string) bool {
	_, toldPort, err := net.SplitHostPort(told)
	_, isPort, wrong := net.SplitHostPort(is)
	return err == nil && wrong == nil && (toldPort == isPort || toldPort == "0")
}

// lookAtSecret says whether the secret is there, can be read, and is the one that was used.
func (c *Chart) lookAtSecret() {
	path := cmp.Or(c.config.SecretFile, c.Folder.Secret())
	last, err := c.Folder.LastSecret()
	if err != nil {
		c.find(Warn, "", "%v", err)
	}
	if c.config.Open {
		c.find(Note, "where others use this machine, give it a secret", "open: every user of this machine can read and write the log")
		return
	}
	secret, err := folder.ReadSecret(path)
	switch print := folder.PrintOf(secret); {
	case errors.Is(err, fs.ErrNotExist) && last == "":
		c.find(Note, "the secret of the others, where it is not the log's first node", "there is none yet: the first start makes one in %s", path)
	case errors.Is(err, fs.ErrNotExist) && last == folder.Open:
		c.find(Note, "", "there is none in %s, and the last run was open", path)
	case errors.Is(err, fs.ErrNotExist):
		c.find(Warn, "bring it back, or go on giving it with --secret-file", "the node ran with a secret (print %s), and there is none in %s: a flag names another file, or it is lost", last, path)
	case err != nil:
		c.find(Bad, "", "%v", err)
	case last != "" && last != print:
		c.find(Warn, "find out which one the others have: nodes with another one are not reached", "%s holds another secret (print %s) than the last run used (print %s)", path, print, last)
	case last == "":
		c.find(OK, "", "%s is there, and was not used yet", path)
	default:
		c.find(OK, "", "%s is there, and the last run used it", path)
	}
}

// lookAtModes says who else may read or write the files of the node. Keys, secrets and tokens are read as the node does,
// and shown nowhere.
func (c *Chart) lookAtModes() {
	if runtime.GOOS == "windows" {
		c.find(Note, "", "access lists say who may read the files here, and are not looked at")
		return
	}
	wrong := 0
	judge := func(err error) {
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			wrong++
			c.find(Bad, "", "%v", err)
		}
	}
	judge(c.Folder.CheckMode())
	judge(c.Folder.CheckLogMode())
	_, err := c.Folder.KeyFile()
	if judge(err); errors.Is(err, fs.ErrNotExist) {
		wrong++
		c.find(Warn, "bring it back from a copy; see docs/RECOVERY.md", "%v", err)
	}
	judge(access.New(string(c.Folder)).Read())
	for _, path := range []string{c.config.HTTPKey, c.config.KeyPassphraseFile} {
		if path == "" {
			continue
		}
		stat, err := os.Stat(path)
		switch {
		case err != nil:
			wrong++
			c.find(Bad, "quipu.yaml names it: bring it back, or name another", "%v", err)
		case stat.Mode().Perm()&0o077 != 0:
			wrong++
			c.find(Bad, "if nobody else has used it, chmod 600 it", "%s has mode %04o: others may read it", path, stat.Mode().Perm())
		}
	}
	if wrong == 0 {
		c.find(OK, "", "key, log, tokens and folder are for their owner alone")
	}
}
