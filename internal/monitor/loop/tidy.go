package loop

import (
	"context"
	"log/slog"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// The waits of Tidy.
const (
	tidyEvery = time.Hour
	tidyPause = 50 * time.Millisecond // between two parts, for others to write
)

// Tidy forgets what is older than the retention, a part at a time, until ctx
// ends.
func Tidy(ctx context.Context, store monitor.Store, r monitor.Retention, log *slog.Logger) {
	for ctx.Err() == nil {
		more, err := store.Prune(ctx, time.Now(), r)
		switch {
		case err != nil && ctx.Err() == nil:
			log.Error("what is old could not be forgotten and is tried again", "err", err)
			sleep(ctx, tidyEvery)
		case more:
			sleep(ctx, tidyPause)
		default:
			sleep(ctx, tidyEvery)
		}
	}
}
