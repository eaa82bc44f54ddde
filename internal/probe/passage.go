package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/proxy"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// reach dials the address, or the first of the peers that answers.
func (e *engine) reach(ctx context.Context, p Prober) (conn net.Conn, err error) {
	if len(e.spec.Peers) == 0 {
		return p.dial(ctx, e.spec.Address, e.spec.Shape.MaxSegment)
	}
	for i, peer := range e.spec.Peers {
		// A silent one leaves time to the others.
		part, cancel := ctx, context.CancelFunc(func() {})
		if until, ok := ctx.Deadline(); ok {
			part, cancel = context.WithTimeout(ctx, time.Until(until)/time.Duration(len(e.spec.Peers)-i))
		}
		e.a.Peer = peer
		conn, err = p.dial(part, peer, e.spec.Shape.MaxSegment)
		cancel()
		if err == nil || e.ctx.Err() != nil {
			return conn, err
		}
	}
	return nil, err
}

// pass goes through a proxy; false means that the attempt is over.
func (e *engine) pass(p Prober) bool {
	way := *e.spec.Way
	way.Dial = func(ctx context.Context, _, address string) (net.Conn, error) {
		return p.dial(ctx, address, e.spec.Shape.MaxSegment)
	}
	asked := e.spec.Asked
	if asked == "" {
		asked = e.spec.Address
	}
	e.stage = diag.StageProxy
	e.a.Passage = &facts.Passage{Proxy: described(way.Proxy), Asked: asked}
	ctx, cancel := context.WithTimeout(e.ctx, e.spec.Timeouts.Connect)
	defer cancel()
	transport, err := way.TCP(ctx)
	e.a.Connect = time.Since(e.a.Started)
	if err == nil {
		e.c = newConn(e.ctx, transport)
		if transport, err = way.Secure(ctx, transport); err == nil {
			e.c.Conn = transport
			tunnel, stop := context.WithTimeout(e.ctx, e.spec.Timeouts.Preamble)
			err = way.Open(tunnel, counted{transport, e.c}, asked)
			stop()
		}
	}
	e.a.Passage.Took = time.Since(e.a.Started) - e.a.Connect
	if err == nil {
		e.c.sent, e.c.received = 0, 0 // what follows is the server's
		return true
	}
	e.a.End = e.blocked(err)
	e.a.End.Stage, e.a.End.After = e.stage, time.Since(e.a.Started)
	if e.c != nil {
		e.a.BytesSent, e.a.BytesReceived = e.c.sent, e.c.received
		e.c.close()
	}
	return false
}

func described(u *url.URL) facts.Proxy {
	return facts.Proxy{Scheme: u.Scheme, Address: u.Host, Login: u.User != nil}
}

// blocked says how the way through the proxy ended.
func (e *engine) blocked(err error) facts.End {
	pass := e.a.Passage
	var p *proxy.Error
	if !errors.As(err, &p) {
		p = &proxy.Error{Where: proxy.Refuses, Err: err}
	}
	var dns *net.DNSError
	switch {
	case errors.As(p.Err, &dns) && p.Where == proxy.Away:
		pass.Step = facts.PassageLookup
		end := facts.End{Kind: facts.EndLocal, By: tlswire.SideClient, Err: dns.Err}
		if canceled(e.ctx) {
			end.Kind = facts.EndCanceled
		}
		return end
	case p.Where == proxy.Away:
		pass.Step = facts.PassageConnect
		return dialEnd(e.ctx, p.Err)
	}
	pass.Step = facts.PassageTunnel
	if p.Where == proxy.TLS {
		pass.Step = facts.PassageTLS
	}
	end := facts.End{Kind: facts.EndProxy, By: tlswire.SideServer, Preamble: "refused", Err: strings.Replace(errorText(p.Err), "it answers", "the proxy answers", 1)}
	how := transportEnd(e.ctx, p.Err)
	var refused *tls.CertificateVerificationError
	switch {
	case how.Kind == facts.EndCanceled:
		end.Kind = facts.EndCanceled
	case len(p.Lines) > 0, errors.As(p.Err, &refused):
	case how.Kind == facts.EndTimeout:
		end.Preamble, end.Err = "silence", "no answer within "+e.a.Passage.Took.Round(time.Millisecond).String()
	case how.Kind == facts.EndReset:
		end.Preamble = "connection reset"
	case how.Kind == facts.EndClosed:
		end.Preamble = "connection closed"
	}
	const most, longest = 40, 300 // lines and their bytes
	for _, l := range p.Lines[:min(len(p.Lines), most)] {
		l = l[:min(len(l), longest)]
		pass.Lines = append(pass.Lines, l)
		if proxy.Tells(l) {
			e.a.Preamble = append(e.a.Preamble, facts.PreambleLine{From: tlswire.SideServer, Text: l})
		}
	}
	pass.Body = p.Body
	if len(pass.Lines) == 0 {
		end.Data = p.Data
	}
	if len(pass.Lines) > 0 {
		said := "CONNECT " + pass.Asked + " HTTP/1.1"
		if pass.Proxy.Login {
			said += ", with Proxy-Authorization"
		}
		e.a.Preamble = slices.Insert(e.a.Preamble, 0, facts.PreambleLine{From: tlswire.SideClient, Text: said})
	}
	return end
}
