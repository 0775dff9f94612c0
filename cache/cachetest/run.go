package cachetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
)

// Config tells the kit how to make the stores that it tests, and how to do to them what their interface cannot.
type Config struct {
	// New returns an empty store of its own for a case, which closes it. It is required. The store has room for 3,000 entries, and for values of
	// 10,000 bytes.
	New func(*testing.T) cache.Store
	// Reopen returns another store over the data of the last one that New returned, as a second process would.
	Reopen func(*testing.T) cache.Store
	// Advance lets at least d pass for the stores: it moves a fake clock, or waits, as time.Sleep does. The kit asks for less than 100 ms at a time.
	// Without it nothing that expires is tested: set it.
	Advance func(d time.Duration)
	// Break makes the backend of the stores fail until restore is called: it refuses, or better, for that is the harder case, it does not answer.
	// Entries survive it. Once it is restored the kit calls Ping until that is answered: a store may keep other calls from a backend that was away.
	Break func() (restore func())
	// Plant creates an entry in the backend itself, under exactly this key and beside what the stores write. It is an error
	// if there is one: this is how the kit sees that a foreign entry survived.
	Plant func(key string, value []byte) error
}

// Run runs every case as a subtest of t. Each makes its own stores. What needs a hook that c leaves out, or a capability that the
// stores lack, is listed as not run.
func Run(t *testing.T, c Config) {
	t.Helper()
	if c.New == nil {
		t.Fatal("cachetest: Config.New is nil; it must return an empty store")
	}
	has := has(hooks{advance: c.Advance, broken: c.Break, plant: c.Plant, reopen: func() cache.Store { return nil }})
	if c.Reopen == nil {
		has = slices.DeleteFunc(has, func(n need) bool { return n == needReopen })
	}
	t.Run("opens and closes", func(t *testing.T) {
		s := c.New(t)
		if isNil(s) {
			t.Fatal("cachetest: Config.New returned a nil store")
		}
		has = append(has, can(s)...)
		if err := s.Close(); err != nil {
			t.Errorf("Close of a new store: %v", err)
		}
	})
	if t.Failed() {
		return
	}
	var left notRun
	for _, tc := range cases() {
		if lacks := tc.lacks(has); lacks != "" {
			left.add(lacks, tc.name)
			continue
		}
		t.Run(tc.name, func(t *testing.T) {
			tc.run(&kit{tester: t, rule: tc.rule, hooks: hooks{
				open:    func() cache.Store { return c.New(t) },
				reopen:  func() cache.Store { return c.Reopen(t) },
				advance: c.Advance,
				broken:  c.Break,
				plant:   c.Plant,
			}})
		})
	}
	if len(left) > 0 {
		t.Logf("cachetest: not run:%s", left)
	}
}

// notRun are the cases that were not run, by what they lack.
type notRun []lacking

type lacking struct {
	what  string
	cases []string
}

func (l *notRun) add(what, name string) {
	i := slices.IndexFunc(*l, func(g lacking) bool { return g.what == what })
	if i < 0 {
		i = len(*l)
		*l = append(*l, lacking{what: what})
	}
	(*l)[i].cases = append((*l)[i].cases, name)
}

// String has a paragraph for each thing that is lacking.
func (l notRun) String() string {
	var b strings.Builder
	for _, g := range l {
		fmt.Fprintf(&b, "\n\tfor want of %s (%d):\n\t\t%s", g.what, len(g.cases), strings.Join(g.cases, "\n\t\t"))
	}
	return b.String()
}
