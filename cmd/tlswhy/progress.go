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
	g.show(fmt.Sprintf("%d done, %d with trouble", g.n, g.bad))
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
