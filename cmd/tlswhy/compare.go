package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tlswhy/tlswhy/internal/compare"
	"github.com/tlswhy/tlswhy/internal/report"
)

func (p *program) compareCommand() *cobra.Command {
	f := &diagnoseFlags{parallel: 1}
	cmd := &cobra.Command{
		Use:   "compare A.json B.json...",
		Short: "says from saved diagnoses whether network, server or client is at fault",
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.runCompare(cmd.Context(), f, args)
		},
	}
	cmd.Flags().BoolVar(&f.strict, "strict", false, "a warning is a failure")
	f.registerOutput(cmd.Flags())
	return cmd
}

// runCompare prints one report for each target that two files or more hold.
func (p *program) runCompare(ctx context.Context, f *diagnoseFlags, args []string) error {
	_, format, ro, err := f.resolve(p)
	if err != nil {
		return err
	}
	files, err := p.savedFiles(ctx, args)
	if err != nil {
		return err
	}
	sets, alone := compare.Sets(files)
	if len(sets) == 0 {
		return badUsage("make one with each: tlswhy -o json HOST > here.json", "the files have no target in common: %s", strings.Join(alone, "; "))
	}
	for _, s := range alone {
		fmt.Fprintln(p.stderr, "tlswhy: not compared: "+clean(s))
	}
	stream := report.NewStream(p.stdout, format, ro)
	code, nagios := exitHealthy, 0
	for _, set := range sets {
		d, err := compare.Join(set)
		if err != nil {
			return badUsage("", "%v", err)
		}
		code, nagios = worse(code, codeOf(d.Verdict, f.strict)), report.WorstNagios(nagios, report.NagiosCode(d.Verdict, f.strict))
		if err := stream.Add(d); err != nil {
			return badUsage("", "writing the report: %v", err)
		}
	}
	if err := stream.Close(); err != nil {
		return badUsage("", "writing the report: %v", err)
	}
	if format == report.Nagios {
		return exitError(nagios)
	}
	return exitError(code)
}

// savedFiles reads what to compare. One file may hold the runs of several
// places: then the place in the file is their name.
func (p *program) savedFiles(ctx context.Context, args []string) ([]compare.File, error) {
	const hint = "save them first: tlswhy -o json HOST > here.json"
	var files []compare.File
	for i, name := range args {
		if slices.Contains(args[:i], name) {
			return nil, badUsage("give each file once", "%q is given twice", name)
		}
		in, label := io.Reader(nil), strings.TrimSuffix(filepath.Base(name), ".json")
		if name == "-" {
			in, label = p.input(ctx), "standard input"
		} else {
			file, err := os.Open(name)
			if err != nil {
				return nil, badUsage(hint, "reading %q: %v", name, err)
			}
			defer file.Close()
			in = file
		}
		ds, err := compare.Read(in)
		if err != nil {
			return nil, badUsage(hint, "reading %q: %v", name, err)
		}
		if slices.ContainsFunc(files, func(f compare.File) bool { return f.Label == label }) {
			label = name
		}
		files = append(files, compare.File{Label: label, Diagnoses: ds})
	}
	if len(files) == 1 && len(files[0].Diagnoses) > 1 {
		var out []compare.File
		for i := range files[0].Diagnoses {
			out = append(out, compare.File{Label: fmt.Sprintf("%s #%d", files[0].Label, i+1), Diagnoses: files[0].Diagnoses[i : i+1]})
		}
		return out, nil
	}
	if len(files) < 2 {
		return nil, badUsage(hint, "two saved diagnoses are needed")
	}
	return files, nil
}
