package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/report"
)

// listClients prints the names that --client takes, by family.
func (p *program) listClients(f *diagnoseFlags) error {
	var families []string
	byFamily := map[string][]string{}
	for _, c := range client.Profiles() {
		if byFamily[c.Family] == nil {
			families = append(families, c.Family)
		}
		if !slices.Contains(byFamily[c.Family], c.Name) {
			byFamily[c.Family] = append(byFamily[c.Family], c.Name)
		}
	}
	o, err := p.pageOptions(f.color)
	if err != nil {
		return err
	}
	width := 0
	for _, name := range families {
		width = max(width, len(name))
	}
	for _, name := range families {
		if err := report.Entry(p.stdout, fmt.Sprintf("%-*s  ", width, name), strings.Join(byFamily[name], ", "), o); err != nil {
			return err
		}
	}
	return nil
}
