package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// target is one thing to diagnose, with the place where it was named.
type target struct {
	input string
	where string // "targets.txt:3", "" on the command line
	err   error  // the line makes no sense
	mark  journalMark
}

// maxTargetLine bounds a line of a target file; a URL is shorter.
const maxTargetLine = 4096

// maxSkippedLine bounds what is read of a longer one: more is no text.
const maxSkippedLine = 1 << 20

// readTargets calls each for every target of the command line, then of the
// file, until each returns false.
func (p *program) readTargets(args []string, file string, each func(target) bool) error {
	for _, a := range args {
		if !each(target{input: a}) {
			return nil
		}
	}
	if file == "" {
		return nil
	}
	r, name := p.stdin, "standard input"
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return badUsage("", "reading the targets: %v", err)
		}
		defer f.Close()
		r, name = f, file
	}
	n, err := targetLines(r, name, each)
	if err != nil {
		return badUsage("", "reading the targets: %v", err)
	}
	if n == 0 && len(args) == 0 {
		return badUsage("one target per line; # begins a comment", "%s names no target", name)
	}
	return nil
}

// targetLines reads one target per line. Blank lines and what follows a # at
// the beginning or after a space are left out.
func targetLines(r io.Reader, name string, each func(target) bool) (int, error) {
	in := bufio.NewReaderSize(r, maxTargetLine)
	found := 0
	for number := 1; ; number++ {
		raw, err := in.ReadSlice('\n')
		long := errors.Is(err, bufio.ErrBufferFull)
		line := string(raw)
		for skipped := 0; errors.Is(err, bufio.ErrBufferFull); skipped += maxTargetLine {
			if skipped >= maxSkippedLine {
				return found, fmt.Errorf("%s:%d: a line of more than 1 MB; this is no list of targets", name, number)
			}
			_, err = in.ReadSlice('\n')
		}
		if number == 1 {
			line = strings.TrimPrefix(line, "\uFEFF")
		}
		if t, ok := targetLine(line, long); ok {
			found++
			t.where = fmt.Sprintf("%s:%d", name, number)
			if !each(t) {
				return found, nil
			}
		}
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return found, err
		}
	}
}

func targetLine(line string, long bool) (target, bool) {
	if i := strings.Index(line, "#"); i == 0 || i > 0 && strings.ContainsAny(line[i-1:i], " \t") {
		line, long = line[:i], false
	}
	line = strings.TrimSpace(line)
	switch {
	case line == "":
		return target{}, false
	case long:
		return target{input: line[:60] + "…", err: badUsage("", "the line is longer than %d bytes", maxTargetLine)}, true
	case len(strings.Fields(line)) > 1:
		return target{input: line, err: badUsage("write one per line", "more than one word: %q", line)}, true
	}
	return target{input: line}, true
}
