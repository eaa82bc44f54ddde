package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tlswhy/tlswhy/internal/causes"
	"github.com/tlswhy/tlswhy/internal/report"
)

func (p *program) causesCommand() *cobra.Command {
	output, color := "", ""
	cmd := &cobra.Command{
		Use:   "causes [ID...]",
		Short: "the catalogue of causes, as pages",
		RunE: func(_ *cobra.Command, args []string) error {
			if !oneOf(output, "text", "json", "markdown") {
				return badUsage("text, json or markdown", "--output %q is unknown here", output)
			}
			o, err := p.pageOptions(color)
			if err != nil {
				return err
			}
			pages, whole, err := choosePages(args)
			if err != nil {
				return err
			}
			switch {
			case output == "json":
				return p.causesJSON(pages)
			case whole && output == "markdown":
				return p.causesMarkdown(pages)
			case whole:
				return p.causesText(pages, o)
			case output == "markdown":
				return p.listMarkdown(pages)
			}
			return p.listCauses(pages, o)
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var out []string
			for _, page := range causes.Pages() {
				out = append(out, page.ID+"\t"+page.Title)
			}
			return out, cobra.ShellCompDirectiveNoFileComp
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "text, json or markdown")
	cmd.Flags().StringVar(&color, "color", "auto", "auto, always or never")
	return cmd
}

// choosePages returns the pages that are meant by ids or names of families,
// and whether they are to be shown in full.
func choosePages(args []string) (pages []*causes.Page, whole bool, err error) {
	all := causes.Pages()
	if len(args) == 0 {
		return all, false, nil
	}
	var ids []string
	for _, page := range all {
		ids = append(ids, page.ID)
	}
	for _, arg := range args {
		word := strings.ToLower(arg)
		if slices.Contains(causes.Families, word) {
			for _, page := range all {
				if page.Family == word {
					pages = append(pages, page)
				}
			}
			continue
		}
		page, ok := causes.PageOf(word)
		if !ok {
			hint := "tlswhy causes lists them"
			if near := nearest(word, append(ids, causes.Families...)); near != "" {
				hint = "did you mean " + near + "?"
			}
			return nil, false, badUsage(hint, "no cause is called %q", arg)
		}
		pages, whole = append(pages, page), true
	}
	return pages, whole, nil
}

func (p *program) listCauses(pages []*causes.Page, o report.Options) error {
	width := 0
	for _, page := range pages {
		width = max(width, len(page.ID))
	}
	family := ""
	for _, page := range pages {
		if page.Family != family {
			if family != "" {
				fmt.Fprintln(p.stdout)
			}
			family = page.Family
			if err := report.Heading(p.stdout, family, o); err != nil {
				return err
			}
		}
		if err := report.Entry(p.stdout, fmt.Sprintf("  %-*s  ", width, page.ID), page.Title, o); err != nil {
			return err
		}
	}
	return nil
}

func (p *program) causesText(pages []*causes.Page, o report.Options) error {
	for i, page := range pages {
		if i > 0 {
			fmt.Fprintln(p.stdout)
		}
		if err := report.Page(p.stdout, pageMarkdown(page), o); err != nil {
			return err
		}
	}
	return nil
}

func (p *program) causesMarkdown(pages []*causes.Page) error {
	for i, page := range pages {
		if i > 0 {
			fmt.Fprintln(p.stdout)
		}
		if _, err := fmt.Fprint(p.stdout, pageMarkdown(page)); err != nil {
			return err
		}
	}
	return nil
}

func (p *program) listMarkdown(pages []*causes.Page) error {
	for _, page := range pages {
		if _, err := fmt.Fprintf(p.stdout, "- `%s` (%s): %s\n", page.ID, page.Family, page.Title); err != nil {
			return err
		}
	}
	return nil
}

// pageMarkdown is the page with its title.
func pageMarkdown(page *causes.Page) string {
	return fmt.Sprintf("# %s\n\n`%s`, family %s, stage %s\n\n%s\n", page.Title, page.ID, page.Family, page.Stage, strings.TrimSpace(page.Body))
}

type causeJSON struct {
	Schema     string    `json:"schema"`
	ID         string    `json:"id"`
	Title      string    `json:"title"`
	Family     string    `json:"family"`
	Stage      string    `json:"stage"`
	Fixes      []fixJSON `json:"fixes"`
	References []refJSON `json:"references"`
	Body       string    `json:"body"` // Markdown
}

type fixJSON struct {
	Side   string `json:"side"`
	Action string `json:"action"`
}

type refJSON struct {
	Text string `json:"text"`
	URL  string `json:"url"`
}

// causesJSON prints one object per line.
func (p *program) causesJSON(pages []*causes.Page) error {
	enc := json.NewEncoder(p.stdout)
	enc.SetEscapeHTML(false)
	for _, page := range pages {
		c := causeJSON{Schema: "tlswhy.cause/1", ID: page.ID, Title: page.Title, Family: page.Family, Stage: string(page.Stage),
			Fixes: []fixJSON{}, References: []refJSON{}, Body: page.Body}
		for _, f := range page.Fixes {
			c.Fixes = append(c.Fixes, fixJSON(f))
		}
		for _, r := range page.References {
			c.References = append(c.References, refJSON(r))
		}
		if err := enc.Encode(c); err != nil {
			return err
		}
	}
	return nil
}
