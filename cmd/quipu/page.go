package main

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io/fs"
	"os/exec"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/node/client"
	"github.com/quipulog/quipu/node/folder"
)

func newPage() *cobra.Command {
	var dir string
	var opens, ends bool
	cmd := &cobra.Command{
		Use:   "page --dir D [--open | --end]",
		Short: "Print a link to the page of a running node",
		Long: `Print a link to the page on which a running node draws its log, its members and
its followers. The page is on the node's port for HTTP, so that the node has to be
started with --http; it reads, and what changes something it shows as a command.

What stands behind the # of the link signs a browser in: once, within two minutes.
Then it reads for twelve hours, or until the node ends; "quipu page" gives another
link. It is made over the node's socket alone, and no log has it. --end signs out
every browser that was signed in, and makes void the links that nobody has used.

With --open the link is not printed, but opened: by way of a file in the folder that
only its owner can read, so that no other user of the machine sees the code among the
arguments of a process.`,
		Example: "  quipu start --dir a --http 127.0.0.1:8080\n  quipu page --dir a\n  quipu page --dir a --open\n  quipu page --dir a --end",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if opens && ends {
				return usagef("--open signs in and --end signs out: expected one of them")
			}
			if ends {
				return endPages(cmd, dir)
			}
			link, err := pageLink(cmd.Context(), dir)
			switch {
			case err != nil:
				return err
			case opens:
				return openPage(folder.Folder(dir), link)
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), link)
			return err
		},
	}
	folderFlag(cmd, &dir)
	cmd.Flags().BoolVar(&opens, "open", false, "open the page in the browser, in the place of printing the link")
	cmd.Flags().BoolVar(&ends, "end", false, "sign out every browser that was signed in")
	return cmd
}

// withPage calls fn with a client of the running node in dir.
func withPage(ctx context.Context, dir string, fn func(*client.Client) error) error {
	if err := folder.Folder(dir).Check(); err != nil {
		return err
	}
	c, err := connectDaemon(ctx, dir)
	if errors.Is(err, fs.ErrPermission) {
		return err
	}
	if err != nil {
		return fmt.Errorf("no daemon answers in %s, and a page is a running node's: start it with quipu start --dir %s --http 127.0.0.1:8080", dir, dir)
	}
	return errors.Join(fn(c), c.Close())
}

// pageLink returns a link to the page of the node in dir.
func pageLink(ctx context.Context, dir string) (link string, err error) {
	err = withPage(ctx, dir, func(c *client.Client) (err error) {
		link, _, err = c.PageLink(ctx)
		return err
	})
	return link, err
}

// endPages ends all sessions of the node in dir, and says how many they were.
func endPages(cmd *cobra.Command, dir string) error {
	return withPage(cmd.Context(), dir, func(c *client.Client) error {
		ended, err := c.EndPageSessions(cmd.Context())
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s signed out\n", count(uint64(ended), "session"))
		return err
	})
}

// opener returns what opens a file on this system as its user would.
func opener() []string {
	switch runtime.GOOS {
	case "darwin":
		return []string{"open"}
	case "windows":
		return []string{"rundll32", "url.dll,FileProtocolHandler"}
	}
	return []string{"xdg-open"}
}

// openFor is how long a program may take to say that it opens nothing. One that goes on is the browser itself.
const openFor = 3 * time.Second

// openPage opens a link by way of a file that leads to it. The file stays until the next one takes its place: a browser reads
// it when it has time to, and the code in it is soon void.
func openPage(f folder.Folder, link string) error {
	path, err := f.WritePage(fmt.Appendf(nil, "<!doctype html><meta charset=\"utf-8\"><meta name=\"referrer\" content=\"no-referrer\"><meta http-equiv=\"refresh\" content=\"0;url=%s\"><title>quipu</title>\n", html.EscapeString(link)))
	if err != nil {
		return fmt.Errorf("open page: %w", err)
	}
	open := opener()
	cmd := exec.Command(open[0], append(open[1:], path)...)
	ended := make(chan error, 1)
	if err = cmd.Start(); err == nil {
		go func() { ended <- cmd.Wait() }()
		select {
		case err = <-ended:
		case <-time.After(openFor):
		}
	}
	if err != nil {
		return fmt.Errorf("open page with %s: %w; open %s in a browser, or use quipu page without --open", open[0], err, path)
	}
	return nil
}
