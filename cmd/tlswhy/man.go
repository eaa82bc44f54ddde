package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

func (p *program) manCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "man DIR",
		Short: "writes the man pages into a folder",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return badUsage("for example: tlswhy man /usr/local/share/man/man1", "man wants one folder")
			}
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return badUsage("", "making the folder: %v", err)
			}
			entries, err := helpFiles.ReadDir("help")
			if err != nil {
				return err
			}
			for _, e := range entries {
				text, err := helpFiles.ReadFile("help/" + e.Name())
				if err != nil {
					return err
				}
				name := strings.TrimSuffix(e.Name(), ".txt")
				path := filepath.Join(args[0], name+".1")
				if err := os.WriteFile(path, []byte(manPage(name, string(text))), 0o644); err != nil {
					return badUsage("", "writing the page: %v", err)
				}
				fmt.Fprintln(p.stdout, path)
			}
			return nil
		},
	}
}

// manPage makes a page of section 1 from a help text: its first line is "name:
// what it does", a line at the left margin above an indented one is a heading,
// everything else stays as it was laid out.
func manPage(name, text string) string {
	first, rest, _ := strings.Cut(text, "\n")
	_, what, _ := strings.Cut(first, ": ")
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %s 1 \"\" \"tlswhy %s\" \"tlswhy\"\n.SH NAME\n%s \\- %s\n", roff(strings.ToUpper(name)), roff(programVersion()), roff(name), roff(what))
	open := false
	toggle := func(on bool) {
		if on != open {
			open = on
			b.WriteString(map[bool]string{true: ".nf\n", false: ".fi\n"}[on])
		}
	}
	lines := strings.Split(strings.TrimSpace(rest), "\n")
	for i, line := range lines {
		switch {
		case line != "" && line[0] != ' ' && i+1 < len(lines) && strings.HasPrefix(lines[i+1], " "):
			toggle(false)
			fmt.Fprintf(&b, ".SH %s\n", roff(strings.ToUpper(line)))
		case strings.TrimSpace(line) == "":
			b.WriteString("\n")
		default:
			toggle(true)
			b.WriteString(roff(strings.TrimPrefix(line, "  ")) + "\n")
		}
	}
	toggle(false)
	if name == "tlswhy" {
		return b.String()
	}
	b.WriteString(".SH SEE ALSO\n.BR tlswhy (1)\n")
	return b.String()
}

// roff escapes what troff gives a meaning to.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "`", `\(ga`, "'", `\(aq`, "^", `\(ha`, "~", `\(ti`).Replace(s)
	if strings.HasPrefix(s, ".") {
		s = `\&` + s
	}
	return s
}
