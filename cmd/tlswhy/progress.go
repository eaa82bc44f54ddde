package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// progress is one line on standard error that is overwritten and vanishes. It
// is silent unless standard error is a terminal. A nil progress is silent too.
type progress struct {
	w     io.Writer
	many  bool
	mu    sync.Mutex
	begun time.Time
	shown bool
	last  string      // what is being done, not yet shown
	timer *time.Timer // shows last when patience is over
	of    *bulk
	drawn time.Time
	n     int
	bad   int
}

// newProgress returns nil where nobody watches.
func (p *program) newProgress(many, quiet bool) *progress {
	if !p.errTerminal || quiet || p.env("TERM") == "dumb" {
		return nil
	}
	return &progress{w: p.stderr, many: many, begun: time.Now()}
}

// patience is how long a program may be silent before one wonders.
const patience = 500 * time.Millisecond

// state says what is being done for a single target; it is shown once patience
// is over.
func (g *progress) state(s string) {
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.last = s
	switch waited := time.Since(g.begun); {
	case waited >= patience:
		g.show(s)
	case g.timer == nil:
		g.timer = time.AfterFunc(patience-waited, func() {
			g.mu.Lock()
			defer g.mu.Unlock()
			if g.last != "" {
				g.show(g.last)
			}
		})
	}
}

// done counts a target that is finished.
func (g *progress) done(code int) {
	if g == nil || !g.many {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.n++
	if code != exitHealthy {
		g.bad++
	}
	if g.n > 20 && time.Since(g.drawn) < drawn {
		return
	}
	g.drawn = time.Now()
	g.show(fmt.Sprintf("%d done, %d with trouble%s", g.n, g.bad, g.pace()))
}

// drawn is how long one line stands at least, of a long list.
const drawn = 100 * time.Millisecond

// list lets the progress say how much of a list remains.
func (g *progress) list(b *bulk) {
	if g != nil {
		g.of = b
	}
}

// pace is how fast it goes and, of a list in a file, how long it will take.
func (g *progress) pace() string {
	took := time.Since(g.begun)
	if took < patience || g.of == nil {
		return ""
	}
	s := fmt.Sprintf(", %.0f/s", float64(g.n)/took.Seconds())
	read := g.of.read.Load()
	if now := read - g.of.passed.Load(); now > 0 && g.of.size > read {
		left := time.Duration(float64(took) * float64(g.of.size-read) / float64(now))
		s += fmt.Sprintf(", %v left", left.Round(time.Second))
	}
	return s
}

func (g *progress) show(s string) {
	g.shown = true
	s = clean(s)
	if r := []rune(s); len(r) > 70 {
		s = string(r[:70])
	}
	fmt.Fprint(g.w, "\r\x1b[K"+s)
}

// clear removes the line, so that something else can be printed.
func (g *progress) clear() {
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.last = ""
	if g.shown {
		fmt.Fprint(g.w, "\r\x1b[K")
		g.shown = false
	}
}
