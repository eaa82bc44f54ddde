package main

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"strings"
)

// journal is the resume file. Its first line says how many targets of the list
// are done, and a sum over them by which another list is told from the same; the
// lines after it name targets further on that are done as well, since they
// ended before an interruption and an earlier one did not. Each is written after
// the report of its target, in one piece, so that a kill at any moment repeats
// one target at most and loses none.
type journal struct {
	f    *os.File
	skip int            // done by earlier runs: so many at the beginning,
	sum  uint64         // the sum of these,
	also map[int]uint64 // and those further on, with the sum up to each
	n    int            // read so far in this run
	past uint64         // the sum of these
}

const (
	journalForm = "tlswhy-resume 1 %012d %016x\n"
	alsoForm    = "%012d %016x\n"
	maxJournal  = 8 << 20 // some 270,000 lines; what waits at a time is far less
)

// openJournal opens or makes a resume file.
func openJournal(name string) (*journal, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, badUsage("", "--resume: %v", err)
	}
	j := &journal{f: f, also: map[int]uint64{}}
	text, err := io.ReadAll(io.LimitReader(f, maxJournal))
	if err == nil && len(text) > 0 {
		head, rest, _ := strings.Cut(string(text), "\n")
		if _, err = fmt.Sscanf(head+"\n", journalForm, &j.skip, &j.sum); err == nil {
			for line := range strings.Lines(rest) {
				var m journalMark
				// What was cut off in the middle was not done.
				if _, bad := fmt.Sscanf(line, alsoForm, &m.n, &m.sum); bad == nil && m.n > j.skip {
					j.also[m.n] = m.sum
				}
			}
		}
	}
	if err != nil || j.skip < 0 {
		f.Close()
		var pathErr *fs.PathError
		if errors.As(err, &pathErr) {
			return nil, badUsage("", "--resume: %v", err)
		}
		return nil, badUsage("name a file that does not exist yet, or that --resume wrote", "--resume: %q is no resume file", name)
	}
	return j, nil
}

// read counts a line of the list; done says that an earlier run did it. The
// error says that the list is another one.
func (j *journal) read(t target) (mark journalMark, done bool, err error) {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%x %s", j.past, t.input)
	j.n++
	j.past = h.Sum64()
	sum, also := j.also[j.n]
	if j.n == j.skip && j.past != j.sum || also && j.past != sum {
		return mark, false, badUsage("give the same list, or another resume file", "--resume: this list does not begin as the one that was worked on")
	}
	return journalMark{j.n, j.past}, j.n <= j.skip || also, nil
}

// journalMark is what the journal says once a target is done.
type journalMark struct {
	n   int
	sum uint64
}

// done notes that a target and all before it are done.
func (j *journal) done(m journalMark) error {
	_, err := j.f.WriteAt(fmt.Appendf(nil, journalForm, m.n, m.sum), 0)
	return err
}

// doneToo notes that a target is done, but not all before it.
func (j *journal) doneToo(m journalMark) error {
	end, err := j.f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if end == 0 { // there has to be a first line
		if err := j.done(journalMark{}); err != nil {
			return err
		}
		if _, err := j.f.Seek(0, io.SeekEnd); err != nil {
			return err
		}
	}
	_, err = j.f.Write(fmt.Appendf(nil, alsoForm, m.n, m.sum))
	return err
}
