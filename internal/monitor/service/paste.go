package service

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/access"
)

// MaxPaste is how many lines are taken at once.
const MaxPaste = 2000

// Line is what became of one line of a pasted list: added, there already, or
// wrong. Lines that say nothing are left out.
type Line struct {
	Number int    // from 1
	Text   string // as it was pasted
	ID     string // of the endpoint; "" where the line is wrong
	Known  bool   // it was watched already
	Err    error  // what is wrong with it
}

// Paste watches a list of endpoints, one a line: a target, and after it words
// such as owner=web, starttls=smtp, interval=10m, connect=10.0.0.1:443 or
// a tag (env=prod). What follows # is left out. Lines that are wrong keep no
// other from being added. The error is about the whole.
func (s *Service) Paste(ctx context.Context, text string) ([]Line, error) {
	p, err := access.Require(ctx, monitor.ScopeEndpoints)
	if err != nil {
		return nil, err
	}
	if n := strings.Count(text, "\n"); n >= MaxPaste {
		return nil, invalid("list", fmt.Sprintf("at most %d lines at once, these are %d", MaxPaste, n+1))
	}
	var out []Line
	added := 0
	for i, text := range strings.Split(text, "\n") {
		l := Line{Number: i + 1, Text: strings.TrimSpace(text)}
		e, err := s.parseLine(l.Text)
		if e == nil && err == nil {
			continue
		}
		if err == nil {
			err = s.Store.AddEndpoint(ctx, time.Now(), s.Vantage, *e)
			if l.Known = errors.Is(err, monitor.ErrExists); l.Known {
				err = nil
			}
			l.ID = e.ID
		}
		var wrong *access.InvalidError
		switch {
		case errors.As(err, &wrong):
			l.Err = err
		case err != nil:
			return out, err
		case !l.Known:
			added++
		}
		out = append(out, l)
	}
	if added == 0 {
		return out, nil
	}
	if s.Changed != nil {
		s.Changed()
	}
	return out, s.done(ctx, p, "endpoints-added", "", fmt.Sprintf("%d of a list", added))
}

// parseLine reads a line of a list; nil and no error where it says nothing.
func (s *Service) parseLine(line string) (*monitor.Endpoint, error) {
	if line == "" || line[0] == '#' {
		return nil, nil
	}
	line, _, _ = strings.Cut(line, " #")
	words := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' || r == ',' || r == ';' })
	if len(words) == 0 {
		return nil, nil
	}
	e := &monitor.Endpoint{Target: words[0]}
	for _, w := range words[1:] {
		key, value, ok := strings.Cut(w, "=")
		if !ok || value == "" {
			return nil, invalid("list", fmt.Sprintf("%q is no word such as owner=web: one target a line", w))
		}
		switch key {
		case "owner":
			e.Owner = value
		case "starttls":
			e.StartTLS = value
		case "sni":
			e.SNI = value
		case "connect":
			e.Connect = append(e.Connect, value)
		case "interval":
			d, err := time.ParseDuration(value)
			if err != nil {
				return nil, invalid("interval", fmt.Sprintf("%q is no time such as 5m or 1h", value))
			}
			e.Interval = d
		default:
			if e.Tags == nil {
				e.Tags = map[string]string{}
			}
			e.Tags[key] = value
		}
	}
	if err := s.good(e); err != nil {
		return nil, err
	}
	e.ID, e.Source = monitor.NewID(e), monitor.SourceAPI
	return e, nil
}
