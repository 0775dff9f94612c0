package lineartest

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
)

// patience is how long it may take to decide one key's history. It takes milliseconds.
const patience = time.Minute

// Config says what is checked, and how hard. Only Processes must be set.
type Config struct {
	// Processes are caches over one backend, one for each process that uses it: what has failed in one is unknown to the others.
	Processes []*cache.Cache
	// Histories is how many are recorded, each on keys of its own; 0 is 30.
	Histories int
	// Clients is how many goroutines there are, divided among the Processes; 0 is 6.
	Clients int
	// Operations is how many each of them makes in a history; 0 is 40.
	Operations int
	// Keys is how many keys a history has; 0 is 3.
	Keys int
	// Break, where it is not nil, breaks the backend, and what it returns restores it. Both are called twice in each history, in the goroutine
	// that called Check, while the clients go on. It is restored when as many operations have failed as there are Clients, or, where they
	// do not fail, after some more.
	Break func() (restore func())
}

// Check fails t if the caches are not linearizable per key. The failure shows the history of the key up to the operation that no order
// explains; with -artifacts there is a page that draws it. A history that cannot be decided in time is a failure too. What a store does
// not support is not checked.
func Check(t testing.TB, c Config) {
	t.Helper()
	err := run(t.Context(), c)
	if v, ok := errors.AsType[*violation](err); ok {
		page := filepath.Join(t.ArtifactDir(), "history.html")
		if err := v.draw(page); err != nil {
			t.Errorf("draw the history: %v", err)
		}
		t.Logf("with -artifacts this remains: %s", page)
	}
	if err != nil {
		t.Error(err)
	}
}

// run records and checks the histories, and returns the first thing that is wrong.
func run(ctx context.Context, c Config) error {
	failed := 0
	for n := range or(c.Histories, 30) {
		r := newRecorder(c, n)
		h, err := r.record(ctx)
		if err != nil {
			return fmt.Errorf("history %d: %w", n, err)
		}
		failed += int(r.failed.Load())
		for _, key := range r.keys {
			if err := check(key, h[key], patience); err != nil {
				return fmt.Errorf("history %d: %w", n, err)
			}
		}
	}
	if c.Break != nil && failed == 0 {
		return errors.New("no operation failed, though the backend was broken: nothing was learnt")
	}
	return nil
}

func or(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}
