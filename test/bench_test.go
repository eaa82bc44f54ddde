package test

import (
	"slices"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/test/server"
)

// BenchmarkDiagnosis measures what a diagnosis costs on real servers, one after
// the other, by class of scenario: connections and milliseconds, in the median
// and at most.
func BenchmarkDiagnosis(b *testing.B) {
	w := newWorld(b)
	all := allScenarios(w)
	classes := map[string][]*scenario{}
	for _, k := range append(slices.Clone(server.AllKinds), nil) {
		var eps []*server.Endpoint
		for i := range all {
			s := &all[i]
			if s.kind != k {
				continue
			}
			classes[s.class] = append(classes[s.class], s)
			eps = append(eps, &s.ep)
			if s.serve != nil {
				s.serve(b, &s.ep)
			}
		}
		if k != nil {
			server.Start(b, k, eps...)
		}
	}
	var seen board
	for _, class := range sortedKeys(classes) {
		b.Run(class, func(b *testing.B) {
			var conns []int
			var times []time.Duration
			for b.Loop() {
				for _, s := range classes[class] {
					d, o := s.diagnose(b)
					o.ok = len(s.judge(d)) == 0
					seen.add(o)
					conns = append(conns, o.connections)
					times = append(times, o.took)
				}
			}
			slices.Sort(conns)
			slices.Sort(times)
			b.ReportMetric(0, "ns/op") // of the whole class: says nothing
			b.ReportMetric(float64(at(conns, 50)), "connections-median")
			b.ReportMetric(float64(at(conns, 100)), "connections-max")
			b.ReportMetric(float64(at(times, 50).Microseconds())/1000, "ms-median")
			b.ReportMetric(float64(at(times, 100).Microseconds())/1000, "ms-max")
		})
	}
	b.Logf("\n%s", seen.summary())
}
