package api

import (
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// ListInput asks for a page.
type ListInput struct {
	Sort   string `query:"sort" maxLength:"40" doc:"Column to sort by; - before it turns the order round" example:"-expires"`
	Cursor string `query:"cursor" maxLength:"2000" doc:"The next of the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"Items of a page"`
	Count  bool   `query:"count" doc:"Whether to count the items of all pages"`
}

func (l *ListInput) list() monitor.List {
	return monitor.List{Sort: l.Sort, Cursor: l.Cursor, Limit: l.Limit, Count: l.Count}
}

// ListBody is a page.
type ListBody[T any] struct {
	Items []T    `json:"items" nullable:"false"`
	Next  string `json:"next,omitempty" doc:"Cursor of the next page; missing on the last one"`
	Total *int   `json:"total,omitempty" doc:"Items of all pages, where count asks for it"`
}

// ListOutput is the answer with a page.
type ListOutput[T any] struct{ Body ListBody[T] }

// listed turns a page of the monitor's words into one of the API's.
func listed[F, T any](p monitor.Page[F], count bool, turn func(F) T) *ListOutput[T] {
	o := &ListOutput[T]{Body: ListBody[T]{Items: make([]T, 0, len(p.Items)), Next: p.Next}}
	for _, x := range p.Items {
		o.Body.Items = append(o.Body.Items, turn(x))
	}
	if count {
		o.Body.Total = &p.Total
	}
	return o
}

func same[T any](x T) T { return x }

// Output is an answer without anything beside its body.
type Output[T any] struct{ Body T }

// IDInput names one thing.
type IDInput struct {
	ID string `path:"id" maxLength:"100" doc:"Its id"`
}

// tags reads key=value pairs; a key alone means any value.
func tags(raw []string) map[string]string {
	out := map[string]string{}
	for _, t := range raw {
		k, v, _ := strings.Cut(t, "=")
		out[k] = v
	}
	return out
}

// expiresBefore joins the two ways of asking for an end.
func expiresBefore(at time.Time, within string) (time.Time, error) {
	if within == "" {
		return at, nil
	}
	d, err := parseDuration(within)
	if err != nil {
		return at, huma.Error422UnprocessableEntity("expires_within: "+err.Error(), &huma.ErrorDetail{Location: "query.expires_within", Message: err.Error(), Value: within})
	}
	if soon := time.Now().Add(d); at.IsZero() || soon.Before(at) {
		return soon, nil
	}
	return at, nil
}
