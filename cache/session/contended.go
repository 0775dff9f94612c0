package session

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/larder-go/larder/cache"
)

const (
	// maxTries is how often a change is tried again because others were faster.
	maxTries = 1000
	// patientTries is how often that happens at once, without giving way.
	patientTries = 3
	// maxPause is how long it gives way at most.
	maxPause = 2 * time.Millisecond
)

// tries yields the attempts at a change. From the fourth on it gives way to the others first, for a time by chance, so that of many none is always the slower. It ends with ctx.
func tries(ctx context.Context) func(yield func() bool) {
	return func(yield func() bool) {
		for n := range maxTries {
			if n >= patientTries {
				pause := time.NewTimer(rand.N(maxPause))
				select {
				case <-pause.C:
				case <-ctx.Done():
					pause.Stop()
					return
				}
			}
			if !yield() {
				return
			}
		}
	}
}

// errContended is the error after all tries.
func errContended() error {
	return fmt.Errorf("session: %w: others changed it between its read and its write, %d times in a row", cache.ErrUnavailable, maxTries)
}
