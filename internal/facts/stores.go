package facts

import (
	"time"

	"github.com/tlswhy/tlswhy/internal/chain"
)

// Store is the list of trust anchors of one program, for saying whose clients
// trust a path and whose do not.
type Store struct {
	Program string // Mozilla, Apple, Microsoft, Android, Java ...
	Date    time.Time
	Anchors []*chain.Certificate
}
