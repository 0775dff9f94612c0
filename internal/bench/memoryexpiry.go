package main

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larder-go/larder/cache/memstore"
)

const workExpiry = "expiry"

// expiryReport is what calls on other keys took before very many entries expired at once, and while the store gave them up.
type expiryReport struct {
	Before, During expiryLatencies
	Took           float64 // nanoseconds from the expiry until they were gone, or until nobody waited any longer
	Left           int     // how many were not gone then
}

// expiryPatience is how long the expired entries are waited for.
const expiryPatience = time.Minute

// expiryLatencies are in nanoseconds.
type expiryLatencies struct{ P50, P99, P999, Most float64 }

// memoryExpiry compares what calls take while memstore gives up entries that expired at the same moment with what they took before.
func memoryExpiry(ctx context.Context, b *bench) (results []result, err error) {
	const rounds = 5
	expiring, others := b.scale.large, b.scale.small
	b.logf("%s entries expire at once", group(float64(expiring)))
	before, during := make([]series, 4), make([]series, 4)
	names := []string{"median", "99th percentile", "99.9th percentile", "longest"}
	unfinished := false // another round would take as long
	took, left := series{name: "gone after"}, series{name: "memstore"}
	for i := range before {
		before[i].name, during[i].name = "before", "meanwhile"
	}
	for round := 0; round < min(rounds, b.scale.rounds) && !unfinished; round++ {
		var r expiryReport
		task := memoryTask{Store: "memstore", Work: workExpiry, Capacity: expiring, Others: others, Cores: 2, Round: b.scale.round}
		if err := askOnce(ctx, task, &r); err != nil {
			return nil, err
		}
		for i, pair := range [][2]float64{
			{r.Before.P50, r.During.P50}, {r.Before.P99, r.During.P99}, {r.Before.P999, r.During.P999}, {r.Before.Most, r.During.Most},
		} {
			before[i].add(pair[0])
			during[i].add(pair[1])
		}
		took.add(r.Took)
		left.add(float64(r.Left))
		unfinished = r.Left > 0
	}
	what := fmt.Sprintf("%s entries expire at once", group(float64(expiring)))
	for i, name := range names {
		r := result{what: what + ": a call's " + name, base: before[i], measured: during[i], unit: microNano}
		if name == "99.9th percentile" {
			r.target = target{ratioAtMost, 2}
		}
		results = append(results, r)
	}
	return append(results,
		result{what: what, measured: took, unit: milliNano},
		result{what: fmt.Sprintf("%s: still there after %.0f s", what, expiryPatience.Seconds()), measured: left, unit: group, target: target{valueAtMost, 0}},
	), nil
}

// measureExpiry fills a store with entries that expire at the same moment, and with others that are used before they do and until they are gone.
func measureExpiry(t memoryTask) (expiryReport, error) {
	keys := newMemoryKeys(t.Capacity + t.Others)
	for lead := 3*t.Round + time.Duration(t.Capacity)*3*time.Microsecond; lead < time.Minute; lead *= 2 {
		store, err := newMemstore(memstore.Options{MaxEntries: t.Capacity + t.Others})
		if err != nil {
			return expiryReport{}, err
		}
		expiry := time.Now().Add(lead)
		value := entryValue(memoryValueSize)
		for i := range t.Capacity {
			store.set(keys.at(i), value, time.Until(expiry))
		}
		for i := range t.Others {
			store.set(keys.at(t.Capacity+i), value, time.Hour)
		}
		runtime.GC()
		var report expiryReport
		if time.Until(expiry) > t.Round { // else it is too late to measure anything before
			report = watchExpiry(t, store, keys, expiry)
		}
		store.close()
		if report.Before.Most > 0 {
			return report, nil
		}
	}
	return expiryReport{}, fmt.Errorf("memstore took a minute to fill with %d entries", t.Capacity)
}

// watchExpiry has the other entries used until the expired ones are gone.
func watchExpiry(t memoryTask, store *memstoreStore, keys memoryKeys, expiry time.Time) (report expiryReport) {
	var (
		workers        sync.WaitGroup
		stop           atomic.Bool
		mu             sync.Mutex
		before, during histogram
		sequence       = newMemorySequence(t.Others)
	)
	for worker := range t.Cores {
		workers.Go(func() {
			value, into := entryValue(memoryValueSize), make([]byte, 0, 2*memoryValueSize)
			var earlier, later histogram
			mask := len(sequence.random) - 1
			begin := time.Now()
			for i := worker * len(sequence.random) / t.Cores; !stop.Load() || later.total == 0; i++ {
				key := keys.at(t.Capacity + int(sequence.random[i&mask]))
				if i%2 == 0 {
					store.appendTo(into, key)
				} else {
					store.set(key, value, sequence.lifetime(i, false))
				}
				end := time.Now()
				if begin.Before(expiry) {
					earlier.add(end.Sub(begin).Nanoseconds())
				} else {
					later.add(end.Sub(begin).Nanoseconds())
				}
				begin = end
			}
			mu.Lock()
			defer mu.Unlock()
			before.merge(&earlier)
			during.merge(&later)
		})
	}
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for now := range poll.C {
		report.Left = max(store.entries()-t.Others, 0)
		if waited := now.Sub(expiry); waited > 0 && report.Left == 0 || waited > expiryPatience {
			report.Took = float64(waited.Nanoseconds())
			break
		}
	}
	stop.Store(true)
	workers.Wait()
	report.Before, report.During = summarize(&before), summarize(&during)
	return report
}

// summarize returns the zero value of no calls.
func summarize(h *histogram) expiryLatencies {
	if h.total == 0 {
		return expiryLatencies{}
	}
	return expiryLatencies{h.percentile(50), h.percentile(99), h.percentile(99.9), float64(h.most)}
}
