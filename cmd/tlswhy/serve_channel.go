package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/alert"
	"github.com/tlswhy/tlswhy/internal/monitor/config"
)

// testWait bounds the test of a channel.
const testWait = 20 * time.Second

// testChannel sends a test by one channel of the configuration, or by all, and
// says what came of it.
func (p *program) testChannel(ctx context.Context, c *config.Config, name string) error {
	names := slices.Sorted(maps.Keys(c.Channels))
	if name != "all" {
		if _, ok := c.Channels[name]; !ok {
			return badUsage("there are: "+strings.Join(append(names, "all"), ", "), "no channel is called %q", name)
		}
		names = []string{name}
	}
	failed := false
	for _, n := range names {
		x := c.Channels[n]
		ch, err := alert.New(channelOptions(&x, c))
		if err != nil {
			return badUsage("", "channel %q: %v", n, err)
		}
		trying, cancel := context.WithTimeout(ctx, testWait)
		at := time.Now().UTC()
		retry, err := ch.Notify(trying, monitor.Message{Key: fmt.Sprintf("test-%d", at.UnixNano()), Channel: n, Kind: monitor.KindTest, At: at})
		cancel()
		if err == nil {
			fmt.Fprintf(p.stdout, "%s: accepted\n", n)
			continue
		}
		failed = true
		more := "; an alert would be given up"
		var e *monitor.DeliveryError
		switch {
		case errors.As(err, &e) && e.Ambiguous:
			more = "; it may have arrived"
		case retry:
			more = "; an alert would be tried again"
		}
		fmt.Fprintf(p.stdout, "%s: %v%s\n", n, err, more)
	}
	if failed {
		return exitError(exitFailure)
	}
	return nil
}
