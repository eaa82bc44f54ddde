package main

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestProgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := &program{stderr: &out, errTerminal: true}

		quick := p.newProgress(false, false)
		quick.state("resolving")
		quick.clear()
		time.Sleep(time.Second)
		synctest.Wait()
		if out.Len() > 0 {
			t.Errorf("a quick diagnosis shows %q", out.String())
		}

		slow := p.newProgress(false, false)
		slow.state("one")
		slow.state("two\x1b[2J")
		time.Sleep(time.Second)
		synctest.Wait()
		if got, want := out.String(), "\r\x1b[Ktwo\\x1B[2J"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		slow.state("three")
		slow.clear()
		if got := out.String(); !strings.HasSuffix(got, "three\r\x1b[K") {
			t.Errorf("got %q, want it cleared", got)
		}

		out.Reset()
		many := p.newProgress(true, false)
		many.done(exitHealthy)
		many.done(exitFailure)
		if got := out.String(); !strings.HasSuffix(got, "2 done, 1 with trouble") {
			t.Errorf("got %q", got)
		}
	})
	for _, p := range []*program{{}, {errTerminal: true, environ: []string{"TERM=dumb"}}} {
		if g := p.newProgress(true, false); g != nil {
			t.Error("progress where nobody watches")
		}
	}
	var none *progress
	none.state("x")
	none.done(0)
	none.clear()
}
