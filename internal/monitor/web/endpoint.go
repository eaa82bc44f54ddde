package web

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// endpointPage is all that is known of an endpoint.
type endpointPage struct {
	monitor.EndpointDetail
	Fields    []*input // that say something
	Incidents []monitor.Incident
	Events    []monitor.Event
	Drift     []drifted
	Strips    []strip
	Now       time.Time
}

// The lengths of an endpoint's lists.
const (
	endpointIncidents = 10
	endpointEvents    = 15
	stripHours        = 7 * 24
)

func (s *Web) endpoint(w http.ResponseWriter, r *http.Request) (err error) {
	ctx, id := r.Context(), r.PathValue("id")
	p := &endpointPage{Now: time.Now()}
	if p.EndpointDetail, err = s.Service.Endpoint(ctx, id); err != nil {
		return err
	}
	for _, in := range inputs() {
		if in.Name != "target" && in.Name != "runbook" && in.get(&p.EndpointDetail.Endpoint) != "" {
			p.Fields = append(p.Fields, in)
		}
	}
	is, err := s.Service.Incidents(ctx, monitor.IncidentQuery{Endpoint: id, List: monitor.List{Limit: endpointIncidents}})
	if err != nil {
		return err
	}
	p.Incidents = is.Items
	es, err := s.Service.Events(ctx, monitor.EventQuery{Endpoint: id, List: monitor.List{Limit: endpointEvents}})
	if err != nil {
		return err
	}
	p.Events = es.Items
	until := p.Now.UTC().Truncate(time.Hour).Add(time.Hour)
	from := until.Add(-stripHours * time.Hour)
	rollups, err := s.Service.Rollups(ctx, id, from, until)
	if err != nil {
		return err
	}
	p.Strips = strips(rollups, from)
	p.Drift = driftOf(p.EndpointDetail)
	return s.render(w, r, "endpoint", p)
}

// Get is the value of a field, in a line.
func (p *endpointPage) Get(in *input) string {
	return strings.ReplaceAll(in.get(&p.EndpointDetail.Endpoint), "\n", ", ")
}

// ReadOnly tells whether another source decides on it.
func (p *endpointPage) ReadOnly() bool { return p.Source != monitor.SourceAPI }

// Open are the incidents that are not over.
func (p *endpointPage) Open() []monitor.Incident {
	return slices.DeleteFunc(slices.Clone(p.Incidents), func(i monitor.Incident) bool { return !i.Open() })
}

// Stand is the state of one address.
func (p *endpointPage) Stand(st monitor.State) monitor.Standing {
	return monitor.Stand([]monitor.State{st})
}

// Link tells whether the notes are an address to click at.
func (p *endpointPage) Link() bool {
	b := p.Endpoint().Runbook
	return (strings.HasPrefix(b, "https://") || strings.HasPrefix(b, "http://")) && !strings.ContainsAny(b, " \n")
}

// Endpoint is the endpoint itself.
func (p *endpointPage) Endpoint() *monitor.Endpoint { return &p.EndpointDetail.Endpoint }

// Chain is the longest chain that the addresses serve now, and where others differ.
func (p *endpointPage) Chains() (out []chain) {
	for i := range p.States {
		path := p.States[i].Now.Path
		if len(path) == 0 {
			continue
		}
		j := slices.IndexFunc(out, func(c chain) bool {
			return slices.EqualFunc(c.Path, path, func(a, b monitor.Element) bool { return a.Fingerprint == b.Fingerprint })
		})
		if j < 0 {
			out = append(out, chain{Path: path})
			j = len(out) - 1
		}
		out[j].Addresses = append(out[j].Addresses, p.States[i].Address)
	}
	return out
}

// Offers are the addresses of which there is an inventory.
func (p *endpointPage) Offers() []monitor.State {
	return slices.DeleteFunc(slices.Clone(p.States), func(st monitor.State) bool { return st.Offered == nil })
}

// chain is what some addresses serve alike.
type chain struct {
	Path      []monitor.Element
	Addresses []string
}

// Changes are what is different at an address since its last good check.
func (p *endpointPage) Changes(st monitor.State) []string {
	if p.Stand(st) != monitor.StandCritical {
		return nil
	}
	return monitor.Changed(&st.Healthy, &st.Now)
}

// drifted is one thing that is not as usual.
type drifted struct{ What, Before, Now, Where string }

// driftOf puts what is seen beside what is usual, for what has drifted.
func driftOf(d monitor.EndpointDetail) (out []drifted) {
	b := d.Watch.Baseline
	if b == nil {
		return nil
	}
	for i := range d.States {
		st := &d.States[i]
		for _, x := range st.Sightings {
			kind, ok := strings.CutPrefix(x.Finding.Cause, "drift-")
			if !ok || x.Missed > 0 {
				continue
			}
			row := drifted{What: kind, Now: x.Finding.Summary, Where: st.Address}
			leaf := st.Now.Leaf()
			switch {
			case kind == "issuer" && leaf != nil:
				row = drifted{"Issuer", either(b.Issuers), monitor.IssuerName(leaf), st.Address}
			case kind == "key" && leaf != nil:
				row = drifted{"Key", either(b.Keys), leaf.Key, st.Address}
			case kind == "names" && leaf != nil:
				row = drifted{"Names", strings.Join(b.Names, ", "), strings.Join(leaf.Names, ", "), st.Address}
			case kind == "rollback" && leaf != nil:
				row = drifted{"Certificate", "a newer one", "one of " + leaf.NotBefore.UTC().Format(time.DateOnly) + ", serial " + leaf.Serial, st.Address}
			case kind == "sct":
				row = drifted{"SCTs", "some", "none", st.Address}
			case kind == "revoked-key" && leaf != nil:
				row = drifted{"Key", "another than that of the revoked certificate", "the same, with serial " + leaf.Serial, st.Address}
			case kind == "version":
				row = drifted{"Version", either(b.Versions), st.Now.Version, st.Address}
			case kind == "suite":
				row = drifted{"Cipher suite", either(b.Suites), st.Now.Suite, st.Address}
			case kind == "offer" && st.Offered != nil:
				row = drifted{"Offers", "none of that", strings.TrimPrefix(x.Finding.Summary, "the server now also offers "), st.Address}
			case kind == "alpn":
				row = drifted{"ALPN", either(b.ALPN), or(st.Now.ALPN, "none"), st.Address}
			case kind == "client-certificate":
				row = drifted{"Asks for a client certificate", either(b.Asks), map[bool]string{true: "yes", false: "no"}[st.Now.ClientCert], st.Address}
			}
			same := slices.IndexFunc(out, func(o drifted) bool { return o.What == row.What && o.Now == row.Now })
			if same >= 0 {
				out[same].Where += ", " + row.Where
				continue
			}
			out = append(out, row)
		}
	}
	return out
}

func either(set []string) string { return strings.Join(set, " or ") }

func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

// strip is the last week of an address, an hour each.
type strip struct {
	Address          string
	Cells            []cell
	Checks, Answered int
	Least, Mean, P95 float64 // milliseconds
}

// cell is an hour: what its checks saw, at a place of the picture.
type cell struct {
	X    int
	Kind string // all, some, none
	Text string
}

// Share is how many checks were answered.
func (s *strip) Share() string {
	if s.Checks == 0 {
		return "–"
	}
	return strconv.FormatFloat(math.Floor(1000*float64(s.Answered)/float64(s.Checks))/10, 'f', -1, 64) + " %"
}

// strips draws rollups, an address each.
func strips(rs []monitor.Rollup, from time.Time) (out []strip) {
	for _, r := range rs {
		i := slices.IndexFunc(out, func(s strip) bool { return s.Address == r.Address })
		if i < 0 {
			out = append(out, strip{Address: r.Address, Least: math.Inf(1)})
			i = len(out) - 1
		}
		s := &out[i]
		s.Checks += r.Checks
		if s.Answered += r.Answered; r.Answered > 0 {
			s.Least, s.P95 = min(s.Least, r.MinMS), max(s.P95, r.P95MS)
			s.Mean += (r.AvgMS - s.Mean) * float64(r.Answered) / float64(s.Answered)
		}
		kind := "all"
		switch {
		case r.Answered == 0:
			kind = "none"
		case r.Answered < r.Checks:
			kind = "some"
		}
		for h := 0; h < int(r.For/time.Hour); h++ {
			at := r.From.Add(time.Duration(h) * time.Hour)
			if x := int(at.Sub(from) / time.Hour); x >= 0 && x < stripHours {
				s.Cells = append(s.Cells, cell{x * 4, kind, fmt.Sprintf("%s UTC: %d of %s answered", at.Format("Mon 2 Jan 15:04"), r.Answered, count(r.Checks, "check"))})
			}
		}
	}
	return out
}

// latencies are what the plot is drawn from: moments, and for each address the
// 95th percentile at them, null where nothing was answered.
type latencies struct {
	From   int64           `json:"from"` // of the axis
	To     int64           `json:"to"`
	At     []int64         `json:"at"`
	Series []latencySeries `json:"series"`
}

type latencySeries struct {
	Address string     `json:"address"`
	MS      []*float64 `json:"ms"`
}

// maxDays bounds the plot.
const maxDays = 800

func (s *Web) latency(w http.ResponseWriter, r *http.Request) error {
	days, err := strconv.Atoi(r.URL.Query().Get("days"))
	if err != nil || days < 1 {
		days = 7
	}
	now := time.Now()
	from := now.AddDate(0, 0, -min(days, maxDays))
	rs, err := s.Service.Rollups(r.Context(), r.PathValue("id"), from, now)
	if err != nil {
		return err
	}
	l := latencies{From: from.Unix(), To: now.Unix(), At: []int64{}, Series: []latencySeries{}}
	for _, x := range rs {
		l.At = append(l.At, x.From.Unix())
	}
	slices.Sort(l.At)
	l.At = slices.Compact(l.At)
	for _, x := range rs {
		i := slices.IndexFunc(l.Series, func(o latencySeries) bool { return o.Address == x.Address })
		if i < 0 {
			l.Series = append(l.Series, latencySeries{x.Address, make([]*float64, len(l.At))})
			i = len(l.Series) - 1
		}
		if at, ok := slices.BinarySearch(l.At, x.From.Unix()); ok && x.Answered > 0 {
			l.Series[i].MS[at] = &x.P95MS
		}
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(l)
}
