package lineartest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
)

func TestAStoreInMemoryIsLinearizable(t *testing.T) {
	Check(t, Config{Processes: []*cache.Cache{over(t, memory(t))}})
}

// many is so many histories that a fault is found in one of them: the rarest shows in one of 15.
const many = 1000

func TestAFaultIsFound(t *testing.T) {
	for _, tc := range []struct {
		name string
		of   func(*memstore.Store) cache.Store
	}{
		{"Add checks and then sets", func(s *memstore.Store) cache.Store { return checksThenSets{s} }},
		{"Increment gets and then sets", func(s *memstore.Store) cache.Store { return getsThenSets{s} }},
		{"Increment takes text for 0", func(s *memstore.Store) cache.Store { return countsText{s} }},
		{"Increment goes on past int64", func(s *memstore.Store) cache.Store { return wrapsAround{s} }},
		{"CompareAndSwap compares and then sets", func(s *memstore.Store) cache.Store { return comparesThenSets{s} }},
		{"CompareAndDelete compares and then deletes", func(s *memstore.Store) cache.Store { return comparesThenDeletes{s} }},
		{"GetAndRenew stores again what it has read", func(s *memstore.Store) cache.Store { return getsThenRenews{s} }},
		{"Touch stores again what it has read", func(s *memstore.Store) cache.Store { return getsThenTouches{s} }},
		{"Get sometimes serves what it has served before", func(s *memstore.Store) cache.Store {
			return remembers{s, &sometimes{every: 7}, &sync.Map{}}
		}},
		{"GetMany sometimes serves what it has served before", func(s *memstore.Store) cache.Store {
			return remembersMany{remembers{s, &sometimes{every: 7}, &sync.Map{}}}
		}},
		{"a Set is sometimes lost", func(s *memstore.Store) cache.Store { return losesSets{s, &sometimes{every: 7}, ""} }},
		{"a Set is sometimes lost on the last key", func(s *memstore.Store) cache.Store { return losesSets{s, &sometimes{every: 3}, "key2"} }},
		{"a DeleteMany is sometimes lost", func(s *memstore.Store) cache.Store { return losesDeletes{s, &sometimes{every: 3}} }},
		{"a Clear is sometimes lost", func(s *memstore.Store) cache.Store { return losesClears{s, &sometimes{every: 3}} }},
		{"a Delete takes effect after it returned", func(s *memstore.Store) cache.Store { return deletesLater{&delays{Store: s}} }},
		{"a Clear takes effect after it returned", func(s *memstore.Store) cache.Store { return clearsLater{&delays{Store: s}} }},
		{"a SetMany takes effect after it returned", func(s *memstore.Store) cache.Store { return setsManyLater{&delays{Store: s}} }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			wantViolation(t, run(t.Context(), Config{Processes: []*cache.Cache{over(t, tc.of(memory(t)))}, Histories: many}))
		})
	}
}

func TestProcessesThatDoNotShareTheirEntriesAreFound(t *testing.T) {
	wantViolation(t, run(t.Context(), Config{Processes: []*cache.Cache{over(t, memory(t)), over(t, memory(t))}}))
}

func TestWhatIsDownAndMakesUpForItIsLinearizable(t *testing.T) {
	for processes := range 3 {
		t.Run(fmt.Sprintf("%d processes", processes+1), func(t *testing.T) {
			s := &server{store: memory(t)}
			c := Config{Break: s.goDown}
			for range processes + 1 {
				c.Processes = append(c.Processes, over(t, newProcess(s, "")))
			}
			Check(t, c)
		})
	}
}

func TestAFlawInMakingUpForFailuresIsFound(t *testing.T) {
	for _, flaw := range []string{
		forgetsSets, forgetsDeletes, forgetsClears, settlesLate, countsAgain, servesOld, claimsSuccess, undoesAdds,
	} {
		t.Run(flaw, func(t *testing.T) {
			s := &server{store: memory(t)}
			wantViolation(t, run(t.Context(), Config{Processes: []*cache.Cache{over(t, newProcess(s, flaw))}, Break: s.goDown, Histories: many}))
		})
	}
}

func TestAnErrorThatNoOperationMayHaveEndsTheCheck(t *testing.T) {
	down := fmt.Errorf("%w: no answer", cache.ErrUnavailable)
	odd := errors.New("odd")
	broken := func() (restore func()) { return func() {} }
	for _, tc := range []struct {
		name  string
		why   error
		broke func() func()
		want  string // "" for none
	}{
		{"unavailable though nothing is broken", down, nil, "store unavailable"},
		{"unavailable where it is broken", down, broken, ""},
		{"too late where it is broken", context.DeadlineExceeded, broken, ""},
		{"anything else where it is broken", odd, broken, "odd"},
		{"none though it is broken", nil, broken, "nothing was learnt"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var s cache.Store = memory(t)
			if tc.why != nil {
				s = refuses{memory(t), tc.why}
			}
			err := run(t.Context(), Config{Processes: []*cache.Cache{over(t, s)}, Histories: 2, Operations: 10, Break: tc.broke})
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("the check says %v; want %q", err, tc.want)
			}
		})
	}
}

func wantViolation(t *testing.T, err error) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), "no order of the operations on key") {
		t.Errorf("the check says %v; want that no order explains the answers", err)
	}
}

func memory(t *testing.T) *memstore.Store {
	t.Helper()
	s, err := memstore.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func over(t *testing.T, s cache.Store) *cache.Cache {
	t.Helper()
	c, err := cache.New(s, &cache.Options{Require: cache.CanAdd | cache.CanIncrement | cache.CanSwap})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}
