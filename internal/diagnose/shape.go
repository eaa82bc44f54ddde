package diagnose

import (
	"strconv"
	"time"

	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/probe"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// recordVersions are the values of --record-version.
var recordVersions = map[string]tlswire.Version{"3.0": tlswire.SSL3, "3.1": tlswire.TLS10, "3.2": tlswire.TLS11, "3.3": tlswire.TLS12, "3.4": tlswire.TLS13}

// shape reads the options that shape the user's own hello.
func (p *plan) shape(w *facts.Want, o *client.Options) error {
	for _, f := range []struct {
		flag  string
		value int
	}{{"--hello-size", p.opts.HelloSize}, {"--record-split", p.opts.RecordSplit}, {"--segment-split", p.opts.SegmentSplit}} {
		if f.value < 0 {
			return usage("a number of bytes from 1 on", "%s %d is negative", f.flag, f.value)
		}
	}
	if n := p.opts.RecordSplit; n > tlswire.MaxPlaintext {
		return usage("a record holds 16384 bytes", "--record-split %d is too large", n)
	}
	if v := p.opts.RecordVersion; v != "" {
		if o.RecordVersion = recordVersions[v]; o.RecordVersion == 0 {
			return usage("3.0, 3.1, 3.2, 3.3 or 3.4; 3.1 is TLS 1.0", "--record-version %q is no version of a record", v)
		}
	}
	w.RecordSplit, w.SegmentSplit = p.opts.RecordSplit, p.opts.SegmentSplit
	o.Size, o.GREASE, o.FallbackSCSV = p.opts.HelloSize, p.opts.GREASE, p.opts.FallbackSCSV
	return nil
}

// shapeWords are the options of the command line that shape the hello.
func (o *Options) shapeWords() []string {
	var words []string
	for _, f := range []struct {
		flag  string
		value int
	}{{"--hello-size", o.HelloSize}, {"--record-split", o.RecordSplit}, {"--segment-split", o.SegmentSplit}} {
		if f.value != 0 {
			words = append(words, f.flag, strconv.Itoa(f.value))
		}
	}
	if o.RecordVersion != "" {
		words = append(words, "--record-version", Quote(o.RecordVersion))
	}
	for _, f := range []struct {
		flag string
		on   bool
	}{{"--grease", o.GREASE}, {"--fallback-scsv", o.FallbackSCSV}, {"--require-alpn", o.RequireALPN}} {
		if f.on {
			words = append(words, f.flag)
		}
	}
	return words
}

// The pauses between segments, which keep the network from joining them: so
// long each, and no longer all together.
const (
	segmentPause = 60 * time.Millisecond
	allPauses    = 480 * time.Millisecond
)

// cutting says how the hello of an experiment is cut.
func cutting(w *facts.Want, ch facts.Changes) probe.Shape {
	of := func(own int, change string) int {
		if n, err := strconv.Atoi(change); err == nil {
			return n
		}
		if change == "whole" {
			return 0
		}
		return own
	}
	s := probe.Shape{MaxSegment: of(0, ch.MSS), RecordSize: of(w.RecordSplit, ch.Records), SegmentSize: of(w.SegmentSplit, ch.Segments)}
	if s.SegmentSize > 0 {
		const usual = 1500 // bytes of a hello, more or less
		s.Delay = min(segmentPause, allPauses/time.Duration(1+usual/s.SegmentSize))
	}
	return s
}
