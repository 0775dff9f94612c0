package cachetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/larder-go/larder/cache"
)

// Check runs every case that needs nothing but stores, and returns what is wrong with them, joined: each error names the case and the
// sentence of the contract that was broken. Open returns an empty store of its own each time; Check closes it. Time is let pass by waiting,
// some seconds in all. When ctx is done the rest is not run, and the error says so.
func Check(ctx context.Context, open func() (cache.Store, error)) error {
	var serves []need
	var failed error
	opens := record{name: "opens and closes", rule: "Close of a new store is no error", ctx: ctx}
	errs := joined(opens.run(func() {
		s, err := open()
		switch {
		case err != nil:
			failed = err
			return
		case isNil(s):
			opens.Fatalf("open returned a nil store")
		}
		if err := s.Close(); err != nil {
			opens.Fatalf("Close of a new store: %v", err)
		}
		serves = can(s)
	}))
	if failed != nil {
		return fmt.Errorf("cachetest: open: %w", failed)
	}
	if len(errs) == 0 {
		errs = joined(check(ctx, open, serves))
	}
	if err := ctx.Err(); err != nil {
		errs = append(errs, fmt.Errorf("cachetest: not all cases were run: %w", err))
	}
	return errors.Join(errs...)
}

func joined(all []violation) []error {
	var errs []error
	for _, v := range all {
		errs = append(errs, v)
	}
	return errs
}

// isNil tells whether s is nil or holds a nil pointer.
func isNil(s cache.Store) bool {
	v := reflect.ValueOf(s)
	return !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil()
}

// caseLimit is how long Check waits for a case: longer than the contexts that the case uses.
const caseLimit = 2 * limit

// check runs the cases, one after the other.
func check(ctx context.Context, open func() (cache.Store, error), can []need) []violation {
	h := hooks{advance: func(d time.Duration) { pass(ctx, d) }}
	served := slices.Concat(has(h), can)
	var all []violation
	for _, tc := range cases() {
		if tc.lacks(served) != "" || ctx.Err() != nil {
			continue
		}
		r := &record{name: tc.name, rule: tc.rule, ctx: ctx}
		h.open = func() cache.Store {
			s, err := open()
			if err != nil {
				r.Fatalf("open: %v", err)
			}
			return s
		}
		all = append(all, r.run(func() { tc.run(&kit{tester: r, rule: tc.rule, hooks: h}) })...)
	}
	return all
}

func pass(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// violation is one failure of one case.
type violation struct{ name, text string }

// Error names the case.
func (v violation) Error() string { return fmt.Sprintf("cachetest: %s: %s", v.name, v.text) }

// record is the tester of one case under Check.
type record struct {
	name, rule string
	ctx        context.Context //nolint:containedctx // as testing.T has one

	mu       sync.Mutex
	failures []violation
	cleanups []func()
}

// run runs the case and its cleanups on a goroutine of their own, as testing does, so that Fatalf can end it.
func (r *record) run(f func()) []violation {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer r.cleanup()
		defer r.rescue()
		f()
	}()
	timer := time.NewTimer(caseLimit)
	defer timer.Stop()
	select {
	case <-ended:
	case <-r.ctx.Done(): // a store that does not heed it is left behind
	case <-timer.C:
		r.Errorf("the case did not end within %v\n\tthe rule: %s", caseLimit, r.rule)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.failures)
}

func (r *record) rescue() {
	if p := recover(); p != nil {
		r.Errorf("the store panicked: %v\n%s\n\tthe rule: %s", p, debug.Stack(), r.rule)
	}
}

func (r *record) cleanup() {
	defer r.rescue()
	for {
		r.mu.Lock()
		n := len(r.cleanups)
		if n == 0 {
			r.mu.Unlock()
			return
		}
		f := r.cleanups[n-1]
		r.cleanups = r.cleanups[:n-1]
		r.mu.Unlock()
		f()
	}
}

// Helper does nothing: a record knows no lines.
func (r *record) Helper() {}

// Context returns the context of Check.
func (r *record) Context() context.Context { return r.ctx }

// Cleanup has f run when the case has ended, the last first.
func (r *record) Cleanup(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cleanups = append(r.cleanups, f)
}

// Errorf records a failure.
func (r *record) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, violation{r.name, fmt.Sprintf(format, args...)})
}

// Failed tells whether there is a failure.
func (r *record) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.failures) > 0
}

// Fatalf records a failure and ends the case.
func (r *record) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}
