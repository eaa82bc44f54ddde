package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/diagnose"
)

// programVersion is what the build set, else the module's version, else the
// commit.
func programVersion() string {
	if version != "" {
		return strings.TrimPrefix(version, "v")
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return strings.TrimPrefix(v, "v")
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "devel " + s.Value[:12]
		}
	}
	return "devel"
}

// toolInfo says how old the program's knowledge is.
func toolInfo() diag.Tool {
	t := diagnose.Tool()
	t.Version = programVersion()
	return t
}

func (p *program) versionCommand() *cobra.Command {
	output := ""
	cmd := &cobra.Command{
		Use:   "version",
		Short: "prints the version and how old its knowledge is",
		Args:  noArgs,
		RunE:  func(*cobra.Command, []string) error { return p.printVersion(output) },
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "text or json")
	return cmd
}

func (p *program) printVersion(output string) error {
	t := toolInfo()
	switch output {
	case "text":
		fmt.Fprintf(p.stdout, "tlswhy %s (%s, %s/%s)\n", t.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
		for _, line := range []struct{ what, value string }{
			{"roots", t.Roots}, {"profiles", t.Profiles}, {"causes", fmt.Sprint(t.Rules)},
		} {
			if line.value != "" {
				fmt.Fprintf(p.stdout, "  %-9s %s\n", line.what, line.value)
			}
		}
		return nil
	case "json":
		b, err := json.Marshal(struct {
			Schema string `json:"schema"`
			diag.Tool
			Go string `json:"go"`
			OS string `json:"os"`
		}{"tlswhy.version/1", t, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.stdout, "%s\n", b)
		return err
	}
	return badUsage("text or json", "--output %q is unknown here", output)
}
