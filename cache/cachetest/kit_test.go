package cachetest

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
)

// The kit is tested by stores that are sound but for one fault: the case that is named for the fault must reject each, and passes the sound one.
func TestFaultyStoresAreRejectedByTheCaseNamedForTheFault(t *testing.T) {
	for _, f := range slices.Concat(faults(), capabilityFaults(), loadingFaults()) {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			rejects(t, f.by, func() hooks { return inMemory(t, f.open) })
			accepts(t, f.by, func() hooks { return inMemory(t, func(s *sound) cache.Store { return s }) })
		})
	}
}

func TestFaultyClientsAreRejectedByTheCaseNamedForTheFault(t *testing.T) {
	for _, f := range clientFaults() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			rejects(t, f.by, func() hooks { return onServer(f.fault) })
			accepts(t, f.by, func() hooks { return onServer("") })
		})
	}
}

// inMemory returns the hooks of stores in memory. Two of one process share one as two processes share a server, until the first is closed.
func inMemory(t *testing.T, open func(*sound) cache.Store) hooks {
	var last *sound
	return hooks{
		open: func() cache.Store {
			s, err := memstore.New(nil)
			if err != nil {
				t.Fatal(err)
			}
			last = s
			return open(s)
		},
		reopen:  func() cache.Store { return open(last) },
		advance: func(d time.Duration) { pass(t.Context(), d) },
	}
}

func caseNamed(t *testing.T, name string) testCase {
	t.Helper()
	all := cases()
	i := slices.IndexFunc(all, func(tc testCase) bool { return tc.name == name })
	if i < 0 {
		t.Fatalf("there is no case %q", name)
	}
	return all[i]
}

// failuresOf runs a case on stores made by the hooks.
func failuresOf(t *testing.T, name string, h hooks) []violation {
	t.Helper()
	tc := caseNamed(t, name)
	s := h.open()
	if lacks := tc.lacks(slices.Concat(has(h), can(s))); lacks != "" {
		t.Fatalf("the case %q is not run: it needs %s", name, lacks)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	r := &record{name: tc.name, rule: tc.rule, ctx: t.Context()}
	return r.run(func() { tc.run(&kit{tester: r, rule: tc.rule, hooks: h}) })
}

// rejects checks that the case fails. What depends on goroutines meeting may take a second try.
func rejects(t *testing.T, name string, h func() hooks) {
	t.Helper()
	for range 20 {
		if len(failuresOf(t, name, h())) > 0 {
			return
		}
	}
	t.Errorf("the case %q accepts the faulty store", name)
}

func accepts(t *testing.T, name string, h func() hooks) {
	t.Helper()
	for _, v := range failuresOf(t, name, h()) {
		t.Errorf("the sound store is rejected: %v", v)
	}
}

// The sound twins pass all of the kit, so that a fault is rejected for what it does.
func TestTheSoundTwinsPass(t *testing.T) {
	for name, h := range map[string]hooks{
		"in memory": inMemory(t, func(s *sound) cache.Store { return s }),
		"a client":  onServer(""),
	} {
		t.Run(name, func(t *testing.T) {
			for _, tc := range cases() {
				if s := h.open(); tc.lacks(slices.Concat(has(h), can(s))) != "" {
					continue
				}
				accepts(t, tc.name, func() hooks { return h })
			}
		})
	}
}

// Tests that run in parallel open stores of the same package, and hold them for as long as they need them.
func TestWhatAnotherTestStartsMeanwhileIsNoLeftoverOfTheStore(t *testing.T) {
	type ofThisPackage struct{ *sound }
	open, opened, done := make(chan bool), make(chan bool), make(chan bool)
	var another sync.WaitGroup
	another.Go(func() {
		for range open {
			another.Go(func() {
				another.Go(func() {
					opened <- true
					<-done
				})
				<-done
			})
		}
	})
	defer another.Wait()
	defer close(done)
	defer close(open)
	accepts(t, "Close leaves no goroutines", func() hooks {
		return inMemory(t, func(s *sound) cache.Store {
			open <- true
			<-opened
			return ofThisPackage{s}
		})
	})
}

func TestNoTwoCasesHaveOneName(t *testing.T) {
	seen := map[string]bool{}
	for _, tc := range cases() {
		if seen[tc.name] || tc.name == "" || tc.rule == "" {
			t.Errorf("the case %q, %q: a name of its own and a rule are wanted", tc.name, tc.rule)
		}
		seen[tc.name] = true
	}
}
