package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/srvconf"
)

// configuration is one that was read.
type configuration struct {
	file   string
	config *srvconf.Config
}

// maxPasted bounds what is read from standard input.
const maxPasted = 64 << 20

// configurations reads what the arguments name: files, patterns, folders and -
// for standard input. What cannot be read is told, and complete is false; the
// rest is read all the same. A file that belongs to another one is not read a
// second time.
func (p *program) configurations(f *configFlags, args []string, o srvconf.Options) (out []configuration, complete bool) {
	complete = true
	bad := func(hint, format string, a ...any) {
		complain(p.stderr, badUsage(hint, format, a...))
		complete = false
	}
	var files []string
	for _, arg := range args {
		if arg == "-" && f.fix {
			bad("name the files", "--fix needs files that can be changed, not standard input")
			continue
		}
		if arg == "-" {
			files = append(files, arg)
			continue
		}
		info, err := os.Stat(arg)
		switch found, _ := filepath.Glob(arg); {
		case err != nil && len(found) > 0: // a pattern that no shell expanded
			files = append(files, found...)
		case err != nil:
			bad("name the main file, such as nginx.conf, its folder, or - for standard input", "the configuration cannot be read: %v", err)
		case info.IsDir():
			found, err := srvconf.Find(arg)
			if err != nil {
				bad("name the main file, such as nginx.conf", "%s", err)
			}
			files = append(files, found...)
		default:
			files = append(files, arg)
		}
	}
	for i, file := range files {
		if slices.Contains(files[:i], file) {
			continue
		}
		c := p.load(file, o)
		if file == "-" {
			file = srvconf.Stdin
		}
		if !slices.ContainsFunc(c.Faults, unread(file)) {
			out = append(out, configuration{file, c})
			continue
		}
		for _, x := range c.Faults {
			bad("", "%s", x.Text)
		}
	}
	return slices.DeleteFunc(slices.Clone(out), func(in configuration) bool {
		return slices.ContainsFunc(out, func(other configuration) bool {
			return other.file != in.file && len(other.config.Files) > len(in.config.Files) && slices.Contains(other.config.Files, in.file)
		})
	}), complete
}

// unread tells of a fault whether it is that the file as a whole is no
// configuration.
func unread(file string) func(facts.Fault) bool {
	return func(f facts.Fault) bool { return f.Stops && f.File == file && f.At == (facts.Place{File: file}) }
}

func (p *program) load(file string, o srvconf.Options) *srvconf.Config {
	if file != "-" {
		return srvconf.Load(file, o)
	}
	data, err := io.ReadAll(io.LimitReader(p.stdin, maxPasted+1))
	if err == nil && len(data) > maxPasted {
		err = fmt.Errorf("it is larger than any configuration")
	}
	if err != nil {
		return &srvconf.Config{Faults: []facts.Fault{{At: facts.Place{File: srvconf.Stdin}, File: srvconf.Stdin, Stops: true, Text: fmt.Sprintf("reading standard input: %v", err)}}}
	}
	o.Apart = p.apart
	return srvconf.LoadText(data, o)
}
