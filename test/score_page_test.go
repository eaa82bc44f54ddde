package test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/diag"
)

// page writes docs/accuracy.md.
func (r *result) page() string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	all := r.all()
	var conns []int
	var times []time.Duration
	controls, right, clean := 0, 0, 0
	for _, o := range all {
		conns = append(conns, o.connections/o.addresses)
		times = append(times, o.took.Round(time.Millisecond))
		controls += bit(o.healthy)
		right += bit(o.first)
	}
	for _, o := range r.real.all {
		clean += bit(o.ok)
	}
	slices.Sort(conns)
	slices.Sort(times)
	causes := r.causes()

	say("# Accuracy\n")
	say("Written by `make score` on %s on %s, %s/%s, %s; not by hand.", time.Now().UTC().Format(time.DateOnly), thisMachine(), runtime.GOOS, runtime.GOARCH, runtime.Version())
	say("Each scenario is a server with one fault, several or none, asked by one client.\n")
	say("| what | figure |\n|---|---|")
	say("| scenarios | %d: %d on real servers, %d of the lab; %d of them healthy controls |", len(all), len(r.real.all), len(r.lab.all), controls)
	say("| right first cause, or rightly none | %.1f %% (%d) |", r.first(), right)
	say("| the same, averaged over %d causes | %.1f %% |", len(causes), r.macro())
	say("| nothing wrong beside it either; evidence, fix, command (real servers) | %.1f %% (%d) |", percent(clean, len(r.real.all)), clean)
	say("| false alarms on healthy servers | %d of %d |", len(r.alarms()), controls)
	say("| printed fixes that turned the server green | %d of %d |", r.fixes.yes, r.fixes.all)
	say("| connections per address | %d median, %d 90th percentile, %d most |", at(conns, 50), at(conns, 90), at(conns, 100))
	say("| time, with others running beside it | %v median, %v 95th percentile, %v most |", at(times, 50), at(times, 95), at(times, 100))

	for _, s := range r.texts {
		say("| error texts explained (testdata/corpus/%s, %d) | %.1f %% strict, %.1f %% lenient |", s.name, s.rows, percent(s.strict, s.rows), percent(s.lenient, s.rows))
	}

	say("\n## By cause\n\nRight of all, real servers and lab together.\n")
	const columns = 4
	say("%s\n%s", strings.Repeat("| cause | right ", columns)+"|", strings.Repeat("|---|---", columns)+"|")
	ids := sortedKeys(causes)
	rows := (len(ids) + columns - 1) / columns
	for i := range rows {
		line := ""
		for c := range columns {
			if n := c*rows + i; n < len(ids) {
				line += fmt.Sprintf("| %s | %d of %d ", ids[n], causes[ids[n]].right, causes[ids[n]].real+causes[ids[n]].lab)
			} else {
				line += "| | "
			}
		}
		say("%s|", line)
	}

	say("\n## Wrong verdicts\n")
	wrong := 0
	for _, o := range all {
		switch {
		case !o.first:
			say("- `%s`: want %s, got %v", o.name, orHealthy(o.want), o.failures)
		case !o.ok && !strings.HasPrefix(o.name, "lab/"):
			say("- `%s`: %s", o.name, strings.Join(o.wrong, "; "))
		default:
			continue
		}
		wrong++
	}
	if wrong == 0 {
		say("None in this run.")
	}
	r.networksTable(say)
	r.peersTable(say)
	return b.String()
}

func orHealthy(id string) string {
	if id == "" {
		return "no failure"
	}
	return id
}

// peersTable says what the other programs said, in their own words.
func (r *result) peersTable(say func(string, ...any)) {
	say("\n## The same servers, asked by others\n")
	var names []string
	for _, p := range thePeers {
		names = append(names, p.versionOf())
	}
	say("The first line of each output that tells something, as printed: %s.\n", strings.Join(names, ", "))
	head, rule := "| server | tlswhy |", "|---|---|"
	for _, p := range thePeers {
		head += " " + p.name + " |"
		rule += "---|"
	}
	say("%s\n%s", head, rule)
	for _, row := range r.peers {
		line := fmt.Sprintf("| %s | %s |", row.scenario, cell(row.ours))
		for _, p := range thePeers {
			line += " " + cell(row.theirs[p.name]) + " |"
		}
		say("%s", line)
	}
}

func cell(s string) string { return strings.NewReplacer("|", `\|`, "<", "&lt;", "*", `\*`).Replace(s) }

// firstLine is what tlswhy says in one line.
func firstLine(d *diag.Diagnosis) string {
	if c := d.FirstFailure(); c != nil {
		return c.ID + ": " + c.Summary
	}
	return string(d.Verdict)
}
