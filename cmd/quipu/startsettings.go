package main

import (
	"os"
	"reflect"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/node/age"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/folder"
	bytesize "github.com/quipulog/quipu/node/size"
)

// addSettings adds the flags of start that take the place of fields of quipu.yaml. They are put into says.
func addSettings(cmd *cobra.Command, says *folder.Config) {
	f := cmd.Flags()
	for _, s := range folder.Settings {
		if s.Usage == "" {
			continue
		}
		withDefault := s.Usage + " (default " + s.Default + ")"
		switch p := s.In(says).(type) {
		case *string:
			if *p = s.Default; len(s.Words) > 0 {
				f.Var(&choice{p, s.Words}, s.Name, s.Usage)
			} else {
				f.StringVar(p, s.Name, s.Default, s.Usage)
			}
		case *[]string:
			f.StringArrayVar(p, s.Name, nil, s.Usage)
		case *bool:
			f.BoolVar(p, s.Name, false, s.Usage)
		case *int:
			n, err := strconv.Atoi(s.Default)
			must(err)
			f.IntVar(p, s.Name, n, s.Usage)
		case *bytesize.Size:
			f.Var(sizeFlag{p}, s.Name, s.Usage)
		case **age.Age:
			f.Var(ageFlag{p}, s.Name, withDefault)
		case **uint64:
			f.Var(countFlag{p}, s.Name, withDefault)
		}
	}
}

// overrideSettings puts what the environment says, and then what the flags do, in the place of what file says.
func overrideSettings(cmd *cobra.Command, says, file *folder.Config) error {
	for _, s := range folder.Settings {
		if text := os.Getenv(s.Env); s.Env != "" && text != "" {
			*s.In(file).(*string) = text
		}
		if s.Usage == "" || !cmd.Flags().Changed(s.Name) {
			continue
		}
		p := s.In(says)
		if n, ok := p.(*int); ok && *n < 1 {
			return usagef("--%s %d: expected 1 or more", s.Name, *n)
		}
		reflect.ValueOf(s.In(file)).Elem().Set(reflect.ValueOf(p).Elem())
	}
	if err := file.Check(); err != nil {
		return usagef("--%s", strings.TrimPrefix(err.Error(), "field "))
	}
	return nil
}

// toldSettings says of each setting what holds, as file does by now, and where it was said: written is what quipu.yaml says.
func toldSettings(cmd *cobra.Command, written, file *folder.Config) []api.Setting {
	told := make([]api.Setting, len(folder.Settings))
	for i, s := range folder.Settings {
		told[i] = api.Setting{Name: s.Name, Value: s.Told(file), Source: "default", About: s.About}
		switch {
		case cmd.Flags().Changed(s.Name):
			told[i].Source = "flag"
		case s.Env != "" && os.Getenv(s.Env) != "":
			told[i].Source = "environment"
		case s.Text(written) != "":
			told[i].Source = "quipu.yaml"
		default:
			told[i].Value = s.Default
		}
	}
	return told
}
