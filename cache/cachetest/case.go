package cachetest

import (
	"slices"

	"github.com/larder-go/larder/cache"
)

// testCase is one case: what it is called, the sentence of the contract that it checks, and what it needs.
type testCase struct {
	name  string
	rule  string
	needs []need
	run   func(*kit)
}

// need is what a case needs: a hook, or a capability of the store.
type need string

const (
	needReopen  need = "Config.Reopen"
	needAdvance need = "Config.Advance"
	needBreak   need = "Config.Break"
	needPlant   need = "Config.Plant"

	needBatcher     need = "a store that is a cache.Batcher"
	needAdder       need = "a store that is a cache.Adder"
	needIncrementer need = "a store that is a cache.Incrementer"
	needSwapper     need = "a store that is a cache.Swapper"
	needRenewer     need = "a store that is a cache.Renewer"
	needToucher     need = "a store that is a cache.Toucher"
	needSweeper     need = "a store that is a cache.Sweeper"
	needAppender    need = "a store that is a cache.Appender"
	needStatter     need = "a store that is a cache.Statter"
	needScanner     need = "a store that is a cache.Scanner"
	needLimiter     need = "a store that is a cache.Limiter"
)

// needs makes the list of a case readable.
func needs(n ...need) []need { return n }

// lacks returns what the case needs and does not have, or "".
func (tc testCase) lacks(has []need) string {
	for _, n := range tc.needs {
		if !slices.Contains(has, n) {
			return string(n)
		}
	}
	return ""
}

// has returns the needs that the hooks serve.
func has(h hooks) []need {
	return only(map[need]bool{needReopen: h.reopen != nil, needAdvance: h.advance != nil, needBreak: h.broken != nil, needPlant: h.plant != nil})
}

// can returns the needs that the store's capabilities serve.
func can(s cache.Store) []need {
	return only(map[need]bool{
		needBatcher: is[cache.Batcher](s), needAdder: is[cache.Adder](s), needIncrementer: is[cache.Incrementer](s), needSwapper: is[cache.Swapper](s),
		needRenewer: is[cache.Renewer](s), needToucher: is[cache.Toucher](s), needSweeper: is[cache.Sweeper](s), needAppender: is[cache.Appender](s),
		needStatter: is[cache.Statter](s), needScanner: is[cache.Scanner](s), needLimiter: is[cache.Limiter](s),
	})
}

func is[T any](s cache.Store) bool {
	_, ok := s.(T)
	return ok
}

func only(served map[need]bool) []need {
	var ns []need
	for n, ok := range served {
		if ok {
			ns = append(ns, n)
		}
	}
	return ns
}

func cases() []testCase {
	return slices.Concat(
		valueCases(), appendCases(), lifetimeCases(), keepCases(), touchCases(), renewCases(), keyCases(), namespaceCases(), clearCases(), scanCases(),
		batchCases(), addCases(), incrementCases(), numberCases(), swapCases(), limitCases(), sweepCases(), concurrencyCases(), raceCases(),
		processCases(), contextCases(), closeCases(), failureCases(), repairCases(), loadingCases(), tagCases(), frameCases(),
	)
}
