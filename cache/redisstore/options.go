package redisstore

import (
	"fmt"
	"strings"
	"time"
)

const (
	defaultKeyPrefix = "cache:"
	defaultTimeout   = 250 * time.Millisecond
)

// Options are the options of [New] and [Open]. The zero value is valid.
type Options struct {
	// KeyPrefix begins every key that the store uses. Empty is "cache:". It must end in ':', because a store with the
	// prefix "app" would clear the keys of "app2:" too.
	KeyPrefix string
	// Timeout bounds every operation, and every round trip of Clear, Keys and the batches. Zero is 250 ms; negative is an error.
	Timeout time.Duration
}

func (o *Options) resolve() (Options, error) {
	var r Options
	if o != nil {
		r = *o
	}
	if r.KeyPrefix == "" {
		r.KeyPrefix = defaultKeyPrefix
	}
	if !strings.HasSuffix(r.KeyPrefix, ":") {
		return r, fmt.Errorf("the key prefix %q does not end in ':'", r.KeyPrefix)
	}
	if r.Timeout == 0 {
		r.Timeout = defaultTimeout
	}
	if r.Timeout < 0 {
		return r, fmt.Errorf("the timeout is %v; allowed: 0 (%v) or more", r.Timeout, defaultTimeout)
	}
	return r, nil
}

// checkDeadlines refuses the options of a client whose commands would not end with their context.
func checkDeadlines(options string, heedsContext bool, read, write time.Duration) error {
	switch {
	case !heedsContext:
		return fmt.Errorf("the client ignores the deadlines of contexts: set ContextTimeoutEnabled in its %s", options)
	case read < 0 || write < 0:
		return fmt.Errorf("the client sets no deadlines on its connections: ReadTimeout and WriteTimeout must not be -2 in its %s", options)
	}
	return nil
}
