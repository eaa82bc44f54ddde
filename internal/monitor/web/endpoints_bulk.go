package web

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/access"
)

// bulk is what is asked for several endpoints at once.
type bulk struct {
	Do      string
	Back    string
	Targets []monitor.EndpointDetail
	All     string // how many match, where it is asked for all that do
}

// The bounds of several endpoints at once.
const (
	maxBulk  = monitor.MaxPage
	maxAll   = 5000 // of all that match
	bulkTime = 5 * time.Minute
)

// bulkEndpoints does something to all endpoints that were ticked. What cannot be
// done to one keeps no other from it, and is counted.
func (s *Web) bulkEndpoints(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	ctx, ids, back := r.Context(), r.PostForm["id"], backTo(r)
	do, value, all := r.PostForm.Get("do"), strings.TrimSpace(r.PostForm.Get("value")), r.PostForm.Get("all")
	if all != "" {
		var err error
		if ids, err = s.matching(ctx, back); err != nil {
			return err
		}
		if len(ids) > maxAll {
			return s.notDone(w, r, back, fmt.Sprintf("More than %s endpoints match: narrow the list first.", number(maxAll)))
		}
		if strconv.Itoa(len(ids)) != all {
			return s.notDone(w, r, back, fmt.Sprintf("Nothing was done: %s match now, not %s as when you looked. Look again.", count(len(ids), "endpoint"), all))
		}
		// Each is a change of its own; who asked waits for all of them.
		if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(bulkTime)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
	}
	if len(ids) == 0 {
		return s.notDone(w, r, back, "No endpoint was ticked.")
	}
	if all == "" && len(ids) > maxBulk {
		return &access.InvalidError{Field: "id", Msg: fmt.Sprintf("at most %d endpoints at once", maxBulk)}
	}
	scope := monitor.ScopeEndpoints
	if do == "check" {
		scope = monitor.ScopeDiagnose
	}
	if _, err := access.Require(ctx, scope); err != nil {
		return err
	}
	var one func(id string) error
	said := ""
	switch do {
	case "check":
		one, said = func(id string) error { return s.Service.CheckSoon(ctx, id) }, "will be checked in a moment"
	case "remove":
		if r.PostForm.Get("sure") == "" {
			return s.askBulk(w, r, &bulk{Do: do, Back: back, All: all}, ids)
		}
		one, said = func(id string) error { return s.Service.RemoveEndpoint(ctx, id, "") }, "no longer watched"
	case "owner":
		one, said = s.changeEach(r, func(e *monitor.Endpoint) error { e.Owner = value; return nil }), "now "+map[bool]string{true: "nobody's", false: "of " + value}[value == ""]
	case "tag", "untag":
		key, val, ok := strings.Cut(value, "=")
		if key == "" || do == "tag" && !ok {
			return s.notDone(w, r, back, "A tag is written key=value, such as env=prod.")
		}
		one, said = s.changeEach(r, func(e *monitor.Endpoint) error {
			tags := map[string]string{}
			maps.Copy(tags, e.Tags)
			if delete(tags, key); do == "tag" {
				tags[key] = val
			}
			e.Tags = tags
			return nil
		}), map[string]string{"tag": "tagged " + value, "untag": "without the tag " + key}[do]
	default:
		return s.notDone(w, r, back, "Choose what is to be done with them.")
	}
	done, others, gone := 0, 0, 0
	for _, id := range ids {
		err := one(id)
		var invalid *access.InvalidError
		switch {
		case err == nil:
			done++
		case errors.Is(err, monitor.ErrReadOnly):
			others++
		case errors.Is(err, monitor.ErrNotFound), errors.Is(err, monitor.ErrChanged):
			gone++
		case errors.As(err, &invalid):
			return s.notDone(w, r, back, invalid.Error()+".")
		default:
			return err
		}
	}
	text := fmt.Sprintf("%s: %s.", count(done, "endpoint"), said)
	if others > 0 {
		text += fmt.Sprintf(" Of the file or another source, where alone it can be changed: %s.", number(others))
	}
	if gone > 0 {
		text += fmt.Sprintf(" Changed or removed meanwhile, and left as it is: %s.", number(gone))
	}
	if done == 0 {
		return s.notDone(w, r, back, text)
	}
	return s.done(w, r, back, text)
}

// matching are the endpoints of a list, as far as one may do something with them
// all: at most one more than maxAll.
func (s *Web) matching(ctx context.Context, list string) (ids []string, err error) {
	u, err := url.Parse(list)
	if err != nil {
		return nil, nil // nothing matches
	}
	q := endpointQuery(u.Query(), time.Now())
	for q.Limit = monitor.MaxPage; ; {
		p, err := s.Service.Endpoints(ctx, q)
		if err != nil {
			return nil, err
		}
		for i := range p.Items {
			ids = append(ids, p.Items[i].Endpoint.ID)
		}
		if q.Cursor = p.Next; q.Cursor == "" || len(ids) > maxAll {
			return ids, nil
		}
	}
}

// changeEach changes one thing of an endpoint and leaves the rest as it is.
func (s *Web) changeEach(r *http.Request, change func(e *monitor.Endpoint) error) func(id string) error {
	return func(id string) error {
		d, err := s.Service.Endpoint(r.Context(), id)
		if err != nil {
			return err
		}
		e := d.Endpoint
		e.Source = ""
		if d.Source != monitor.SourceAPI {
			return monitor.ErrReadOnly
		}
		if err := change(&e); err != nil {
			return err
		}
		_, err = s.Service.ChangeEndpoint(r.Context(), id, d.Revision, e)
		return err
	}
}

// named bounds the endpoints that a question names.
const named = 20

// askBulk asks before something is destroyed.
func (s *Web) askBulk(w http.ResponseWriter, r *http.Request, b *bulk, ids []string) error {
	type question struct {
		*bulk
		IDs  []string
		More int
	}
	q := question{bulk: b, IDs: slices.Compact(slices.Sorted(slices.Values(ids)))}
	for _, id := range q.IDs[:min(len(q.IDs), named)] {
		if d, err := s.Service.Endpoint(r.Context(), id); err == nil {
			b.Targets = append(b.Targets, d)
		}
	}
	q.More = len(q.IDs) - len(b.Targets)
	return s.render(w, r, "endpoints-remove", q)
}

// removeEndpoint asks about one.
func (s *Web) removeEndpoint(w http.ResponseWriter, r *http.Request) error {
	d, err := s.Service.Endpoint(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if d.Source != monitor.SourceAPI {
		return monitor.ErrReadOnly
	}
	return s.askBulk(w, r, &bulk{Do: "remove", Back: "/endpoints"}, []string{d.Endpoint.ID})
}

func (s *Web) checkEndpoint(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if err := s.Service.CheckSoon(r.Context(), id); err != nil {
		return err
	}
	return s.done(w, r, "/endpoints/"+id, "It is checked in a moment.")
}

// diagnoseEndpoint has it diagnosed in full, reached as its checks reach it.
func (s *Web) diagnoseEndpoint(w http.ResponseWriter, r *http.Request) error {
	id, err := s.Service.InspectEndpoint(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return s.goTo(w, r, "/diagnose/"+id)
}

func (s *Web) acceptEndpoint(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if err := s.Service.Accept(r.Context(), id); err != nil {
		return err
	}
	return s.done(w, r, "/endpoints/"+id, "What is seen now is what counts as usual from here on. The incident ends with the next checks.")
}
