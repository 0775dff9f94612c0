package redisstore

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
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
	// Timeout bounds every operation, and every batch of Clear. Zero is 250 ms; negative is an error.
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

// checkClient refuses a client whose commands would not end with their context.
func checkClient(client redis.UniversalClient) error {
	switch c := client.(type) {
	case nil:
		return errors.New("the client is nil")
	case *redis.Client:
		if !c.Options().ContextTimeoutEnabled {
			return errors.New("the client ignores the deadlines of contexts: set ContextTimeoutEnabled in its redis.Options")
		}
		return nil
	default:
		return fmt.Errorf("a client of type %T is not supported; allowed: *redis.Client, which NewClient and NewFailoverClient make", client)
	}
}
