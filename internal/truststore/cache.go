package truststore

import (
	"sync"
	"time"
)

// Cache keeps the stores that were loaded by name for a few minutes: to read the
// system's anew takes longer than a handshake. A change of the system's store is
// thus seen a little later. nil loads every time; it is safe for concurrent use.
type Cache struct {
	mu     sync.Mutex
	loaded map[string]cached
}

type cached struct {
	store *Store
	at    time.Time
}

// cacheFor is how long a store is kept.
const cacheFor = 5 * time.Minute

// Load is the package's Load.
func (c *Cache) Load(name string, sources ...Source) (*Store, error) {
	if c == nil {
		return Load(name, sources...)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if x, ok := c.loaded[name]; ok && time.Since(x.at) < cacheFor && time.Since(x.at) >= 0 {
		return x.store, nil
	}
	s, err := Load(name, sources...)
	if err != nil {
		return nil, err
	}
	if c.loaded == nil {
		c.loaded = map[string]cached{}
	}
	c.loaded[name] = cached{s, time.Now()}
	return s, nil
}
