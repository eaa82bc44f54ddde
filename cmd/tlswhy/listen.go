package main

import (
	"context"
	"encoding/pem"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/relay"
	"github.com/tlswhy/tlswhy/internal/report"
)

func (p *program) listenCommand() *cobra.Command {
	f := &diagnoseFlags{parallel: 1}
	caFile, count, ask, echoes, secretFile := "", 0, true, false, ""
	cmd := &cobra.Command{
		Use:   "listen [ADDR]",
		Short: "a server that tells what a client offers and what it will fail on",
		RunE: func(cmd *cobra.Command, args []string) error {
			addr := "127.0.0.1:8443"
			switch {
			case len(args) > 1:
				return badUsage("such as 127.0.0.1:8443", "listen takes one address")
			case len(args) == 1:
				addr = args[0]
			}
			if secretFile != "" && !echoes {
				return badUsage("add --echo", "--echo-secret-file without --echo")
			}
			if echoes {
				for _, other := range []string{"ca-file", "count", "ask-client-cert", "output"} {
					if cmd.Flags().Changed(other) {
						return badUsage("see tlswhy help listen", "--echo and --%s exclude each other", other)
					}
				}
				return p.runEcho(cmd.Context(), addr, secretFile)
			}
			return p.runListen(cmd.Context(), f, addr, caFile, count, ask)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&caFile, "ca-file", "", "write the server's CA to a file, for the client to trust")
	fs.BoolVar(&ask, "ask-client-cert", true, "ask for a client certificate, without insisting")
	fs.BoolVar(&echoes, "echo", false, "tell who knows the secret what arrives here")
	fs.StringVar(&secretFile, "echo-secret-file", "", "file with the secret of --echo")
	positive(fs, &count, "count", "end after so many clients")
	fs.StringVarP(&f.output, "output", "o", "text", "text or json")
	fs.CountVarP(&f.verbose, "verbose", "v", "whole lists")
	fs.StringVar(&f.color, "color", "auto", "auto, always or never")
	return cmd
}

// runListen prints every client that comes until it is interrupted.
func (p *program) runListen(ctx context.Context, f *diagnoseFlags, addr, caFile string, count int, ask bool) error {
	_, format, ro, err := f.resolve(p)
	if err != nil {
		return err
	}
	if format != report.Text && format != report.JSON {
		return badUsage("text or json", "--output %s is unknown here", format)
	}
	if count < 0 {
		return badUsage("", "--count %d is negative", count)
	}
	came := make(chan *relay.Visit, 16)
	h, err := relay.NewHost(addr, relay.HostOptions{AskNot: !ask, Visit: func(v *relay.Visit) {
		select {
		case came <- v:
		case <-ctx.Done():
		}
	}})
	if err != nil {
		return badUsage("give another address, such as 127.0.0.1:9443", "listening at %s: %v", addr, err)
	}
	defer h.Close()
	if caFile != "" {
		if err := os.WriteFile(caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.CA()}), 0o644); err != nil {
			return badUsage("", "writing the CA: %v", err)
		}
	}
	fmt.Fprintf(p.stderr, "tlswhy: listening at %s; point a client there. Ctrl-C ends.\n", h.Addr())
	for n := 0; count == 0 || n < count; n++ {
		select {
		case <-ctx.Done():
			return nil
		case v := <-came:
			if n > 0 && format == report.Text {
				fmt.Fprintln(p.stdout)
			}
			if err := report.WriteClient(p.stdout, format, diagnose.Offered(visitor(v)), ro); err != nil {
				return badUsage("", "writing the report: %v", err)
			}
		}
	}
	return nil
}

func visitor(v *relay.Visit) diagnose.Visitor {
	return diagnose.Visitor{From: v.From, At: v.At, Hello: v.Hello, Raw: v.Raw, Records: v.Records, Segments: v.Segments, Words: v.Words,
		Version: v.Version, Suite: v.Suite, Protocol: v.Protocol, Asked: !v.AskedNot, Err: v.Err, Alert: v.Alert, Refused: v.Refused, Left: v.Left, Certificates: v.Certificates}
}
