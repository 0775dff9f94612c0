package cachetest

import (
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
)

// Config tells the kit how to make the stores that it tests, and how to do to them what their interface cannot.
type Config struct {
	// New returns an empty store of its own for a case, which closes it. It is required.
	New func(*testing.T) cache.Store
	// Reopen returns another store over the data of the last one that New returned, as a second process would.
	Reopen func(*testing.T) cache.Store
	// Advance lets at least d pass for the stores: it moves a fake clock or waits. The kit asks for less than 100 ms at a time.
	Advance func(d time.Duration)
	// Break makes the backend of the stores fail until restore is called. Entries survive it.
	Break func() (restore func())
	// Plant creates an entry in the backend itself, under exactly this key and beside what the stores write. It is an error
	// if there is one: this is how the kit sees that a foreign entry survived.
	Plant func(key string, value []byte) error
}

// testCase is one case: what it is called, the sentence of the contract that it checks, and the hook that it needs.
type testCase struct {
	name string
	rule string
	hook string // what it needs of Config, the name of a field; "" for nothing
	adds bool   // whether it needs a store that is a cache.Adder
	run  func(*kit)
}

// Run runs every case as a subtest of t. Each makes its own stores. What needs a hook that c leaves out, or a capability that the
// stores lack, is listed as not run.
func Run(t *testing.T, c Config) {
	t.Helper()
	if c.New == nil {
		t.Fatal("cachetest: Config.New is nil; it must return an empty store")
	}
	adds := false
	t.Run("opens and closes", func(t *testing.T) {
		s := c.New(t)
		_, adds = s.(cache.Adder)
		if err := s.Close(); err != nil {
			t.Errorf("Close of a new store: %v", err)
		}
	})
	has := map[string]bool{
		"": true, "Reopen": c.Reopen != nil, "Advance": c.Advance != nil, "Break": c.Break != nil, "Plant": c.Plant != nil,
		"cache.Adder": adds,
	}
	var left []string
	for _, tc := range cases() {
		if missing := tc.missing(has); missing != "" {
			left = append(left, tc.name+" (needs "+missing+")")
			continue
		}
		t.Run(tc.name, func(t *testing.T) { tc.run(&kit{T: t, config: c, rule: tc.rule}) })
	}
	if len(left) > 0 {
		t.Logf("cachetest: not run:\n\t%s", strings.Join(left, "\n\t"))
	}
}

// missing returns what the case needs and does not have, or "".
func (tc testCase) missing(has map[string]bool) string {
	switch {
	case tc.adds && !has["cache.Adder"]:
		return "a store that is a cache.Adder"
	case !has[tc.hook]:
		return "Config." + tc.hook
	}
	return ""
}

func cases() []testCase {
	var all []testCase
	for _, group := range [][]testCase{
		valueCases(), lifetimeCases(), keyCases(), namespaceCases(), clearCases(), addCases(), concurrencyCases(), contextCases(), closeCases(), failureCases(),
	} {
		all = append(all, group...)
	}
	return all
}
