// Command tlswhy says why a TLS handshake fails and what fixes it.
//
//	tlswhy shop.example.com
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/tlswhy/tlswhy/internal/diagnose"
)

// version is set by the build (-X main.version=...).
var version = ""

func main() {
	diagnose.Version = programVersion()
	cobra.MousetrapHelpText = "" // a double click on Windows shows the help
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal ends the work with what is known, the second the program.
	context.AfterFunc(ctx, stop)
	os.Exit(newProgram().run(ctx, os.Args[1:]))
}
