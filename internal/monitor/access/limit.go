package access

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limits bound how often passwords are guessed: for an address, and for an
// account from all addresses together. Who has logged in from an address before
// is only held to the limit of the address, so that strangers lock nobody out.
type limits struct {
	mu        sync.Mutex
	addresses map[string]*rate.Limiter
	accounts  map[string]*rate.Limiter
	known     map[[2]string]bool // account and address
}

// The limits: so many at once, and then one each.
const (
	burst         = 10
	perAddress    = 6 * time.Second
	perAccount    = 12 * time.Second
	maxRemembered = 10_000 // addresses and accounts
)

// network is what one client can have for itself: an IPv6 network of 64 bits.
func network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	a = a.Unmap().WithZone("")
	if p, err := a.Prefix(64); err == nil && a.Is6() {
		return p.String()
	}
	return a.String()
}

func limiter(of map[string]*rate.Limiter, key string, every time.Duration) *rate.Limiter {
	l, ok := of[key]
	if !ok {
		if len(of) >= maxRemembered {
			clear(of)
		}
		l = rate.NewLimiter(rate.Every(every), burst)
		of[key] = l
	}
	return l
}

// take counts an attempt; a *LimitedError says that it is one too many.
func (l *limits) take(address, account string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.addresses == nil {
		l.addresses, l.accounts, l.known = map[string]*rate.Limiter{}, map[string]*rate.Limiter{}, map[[2]string]bool{}
	}
	key := network(address)
	which := []*rate.Limiter{limiter(l.addresses, key, perAddress)}
	if account != "" && !l.known[[2]string{account, key}] {
		which = append(which, limiter(l.accounts, account, perAccount))
	}
	now := time.Now()
	for _, x := range which {
		if r := x.ReserveN(now, 1); r.DelayFrom(now) > 0 {
			wait := r.DelayFrom(now)
			r.CancelAt(now)
			return &LimitedError{wait}
		}
	}
	return nil
}

// forgive is called after a good password.
func (l *limits) forgive(address, account string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := network(address)
	delete(l.addresses, key)
	if account == "" {
		return
	}
	if len(l.known) >= maxRemembered {
		clear(l.known)
	}
	l.known[[2]string{account, key}] = true
}
