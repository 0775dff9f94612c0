package cachetest

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"runtime"
	"strings"
	"time"

	"github.com/larder-go/larder/cache"
)

func closeCases() []testCase {
	return []testCase{
		{name: "a closed store says so",
			rule: "Close is idempotent; afterwards every call gives ErrClosed; a done context comes first", run: func(k *kit) {
				s := k.open()
				for range 2 {
					if err := s.Close(); err != nil {
						k.fail("Close: %v", err)
					}
				}
				for _, call := range callsOf(s) {
					if err := call.do(k.ctx(), direct(s)); !errors.Is(err, cache.ErrClosed) {
						k.fail("%s after Close: %v; want ErrClosed", call.method, err)
					}
					if err := call.do(cancelled(), direct(s)); !errors.Is(err, context.Canceled) {
						k.fail("%s after Close with a cancelled context: %v; want context.Canceled", call.method, err)
					}
				}
			}},
		{name: "Close beside operations is safe",
			rule: "all methods may be called by many goroutines at once; afterwards every call gives ErrClosed", run: func(k *kit) {
				for range 10 {
					s := k.open()
					ctx := k.ctx()
					served := callsOf(s)
					k.together(2*len(served)+2, func(i int) {
						if i >= 2*len(served) {
							if err := s.Close(); err != nil {
								k.fail("Close: %v", err)
							}
							return
						}
						_ = served[i%len(served)].do(ctx, direct(s)) // it may come before or after Close
					})
					if _, _, err := s.Get(ctx, "key"); !errors.Is(err, cache.ErrClosed) {
						k.fail("Get after Close: %v; want ErrClosed", err)
					}
				}
			}},
		{name: "Close leaves no goroutines",
			rule: "Close frees what the store holds", run: func(k *kit) {
				before := goroutines()
				s := k.open()
				mark := packageOf(s)
				ctx := k.ctx()
				for _, call := range callsOf(s) {
					_ = call.do(ctx, direct(s))
				}
				if err := s.Close(); err != nil {
					k.fail("Close: %v", err)
				}
				left := leftover(before, mark)
				// What Close has told to end may take a moment.
				for deadline := time.Now().Add(5 * time.Second); len(left) > 0 && time.Now().Before(deadline); left = leftover(before, mark) {
					pass(k.Context(), 10*time.Millisecond)
				}
				if len(left) > 0 {
					k.fail("%d goroutines that the store started outlive it; the first:\n%s", len(left), left[0])
				}
			}},
	}
}

// goroutines returns the stacks of all goroutines by their names, "goroutine 7".
func goroutines() map[string]string {
	stacks := make([]byte, 1<<20)
	for {
		n := runtime.Stack(stacks, true)
		if n < len(stacks) {
			stacks = stacks[:n]
			break
		}
		stacks = make([]byte, 2*len(stacks))
	}
	all := map[string]string{}
	for _, stack := range bytes.Split(stacks, []byte("\n\n")) {
		name, _, _ := strings.Cut(string(stack), " [")
		all[name] = string(stack)
	}
	return all
}

// packageOf returns what the names of functions in the package of the store's type begin with, "" where the type has none.
func packageOf(s cache.Store) string {
	t := reflect.TypeOf(s)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.PkgPath() == "" {
		return ""
	}
	return t.PkgPath() + "."
}

// leftover returns the stacks of goroutines that were not there before and that run, or were started by, functions of the store's package: others may
// come and go in the process, and be those of what the author's New has started for the store, a server perhaps, or those of stores that other
// tests have opened meanwhile.
func leftover(before map[string]string, mark string) []string {
	var left []string
	now := goroutines()
	for name, stack := range now {
		if _, was := before[name]; !was && mark != "" && strings.Contains(stack, mark) && !strings.Contains(stack, "testing.tRunner") &&
			!isOthers(name, before, now) {
			left = append(left, stack)
		}
	}
	return left
}

// isOthers reports whether a goroutine, or what has started it, was itself started by one that was there before, other than the caller's. It is
// false where one between them has ended.
func isOthers(name string, before, now map[string]string) bool {
	self := make([]byte, 64)
	own, _, _ := strings.Cut(string(self[:runtime.Stack(self, false)]), " [")
	for {
		stack, alive := now[name]
		if _, was := before[name]; was || !alive {
			return was && name != own
		}
		_, by, _ := strings.Cut(stack, "\ncreated by ")
		_, by, _ = strings.Cut(by, " in ")
		name, _, _ = strings.Cut(by, "\n")
	}
}
