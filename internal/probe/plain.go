package probe

import (
	"context"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// plainQuiet is how long a plaintext peer may pause once it has spoken.
const plainQuiet = 300 * time.Millisecond

// Plain connects, says the words as they are (nothing when say is nil) and
// keeps what comes back: End.Data holds the first bytes, HTTP the answer where
// it is one. The end is EndCompleted for an answer that is no TLS.
func (p Prober) Plain(ctx context.Context, spec Spec, say []byte) *facts.Attempt {
	e := &engine{ctx: ctx, spec: spec.withDefaults(), stage: diag.StageConnect}
	e.a = &facts.Attempt{N: spec.N, Of: spec.Of, Address: spec.Address, Alone: spec.Alone, Started: time.Now().UTC()}
	if !e.connect(p) {
		return e.a
	}
	defer e.c.close()
	e.stage = diag.StageApplication
	e.c.until(time.Now().Add(e.spec.Timeouts.Total))
	e.c.limit = e.spec.Limits.Application
	if say != nil {
		e.note(tlswire.SideClient, "plaintext", say, len(say))
		e.send(say)
	}
	var got []byte
	var err error
	for len(got) < keptRaw {
		buf := make([]byte, keptRaw-len(got))
		var n int
		if n, err = e.c.in.Read(buf); n > 0 {
			got = append(got, buf[:n]...)
			e.c.until(time.Now().Add(min(plainQuiet, e.c.left())))
		}
		if err != nil {
			break
		}
	}
	end := facts.End{Kind: facts.EndCompleted}
	if len(got) == 0 && err != nil {
		end = transportEnd(ctx, err)
	}
	if len(got) > 0 {
		e.note(tlswire.SideServer, "plaintext", got, len(got))
		end.Data = got
		a := &answer1{}
		a.take(got)
		e.a.HTTP = a.result()
	}
	end.Stage, end.By, end.After = e.stage, tlswire.SideServer, time.Since(e.a.Started)-e.a.Connect
	if e.writeErr != nil {
		end.WriteErr = errorText(e.writeErr)
	}
	e.a.End, e.a.BytesSent, e.a.BytesReceived = end, e.c.sent, e.c.received
	return e.a
}
