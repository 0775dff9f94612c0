package lineartest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/larder-go/larder/cache"
)

// Limits that keep a history decidable: every write that failed doubles, at worst, what there is to search.
const (
	breaks     = 2
	maxPending = 8 // writes of one key that failed, on average
)

// recorder records one history.
type recorder struct {
	config  Config
	number  int
	clients int
	each    int // operations of each client
	keys    []string
	space   string

	clock  atomic.Int64 // ticks at the beginning and at the end of every operation: no two have the same time
	serial atomic.Int64
	seen   []atomic.Pointer[string] // of every key, a value that it had lately

	done, failed, pending atomic.Int64
	moved                 chan struct{} // an operation has ended
}

func newRecorder(c Config, number int) *recorder {
	r := &recorder{
		config: c, number: number, clients: or(c.Clients, 6), each: or(c.Operations, 40),
		space: "history" + strconv.Itoa(number), moved: make(chan struct{}, 1),
	}
	for i := range or(c.Keys, 3) {
		r.keys = append(r.keys, "key"+strconv.Itoa(i))
	}
	r.seen = make([]atomic.Pointer[string], len(r.keys))
	return r
}

// record returns the history of every key. It is in a namespace of its own: what was left undone in another does no harm.
func (r *recorder) record(ctx context.Context) (map[string][]operation, error) {
	start, ended := make(chan struct{}), make(chan struct{})
	clients, errs := make([]*client, r.clients), make([]error, r.clients)
	var all sync.WaitGroup
	for i := range clients {
		process := i % len(r.config.Processes)
		c := &client{
			recorder: r, process: process, id: i, cache: r.config.Processes[process].Namespace(r.space),
			random: rand.New(rand.NewPCG(uint64(r.number), uint64(i))),
		}
		clients[i] = c
		all.Go(func() {
			<-start
			errs[i] = c.use(ctx, r.each)
		})
	}
	close(start)
	go func() {
		all.Wait()
		close(ended)
	}()
	if r.config.Break != nil {
		r.disturb(ended)
	}
	<-ended
	h := make(map[string][]operation)
	for _, c := range clients {
		for _, o := range c.operations {
			h[o.key] = append(h[o.key], o.operation)
		}
	}
	return h, errors.Join(errs...)
}

// disturb breaks the backend now and then, each time until enough operations have failed, or have not.
func (r *recorder) disturb(ended <-chan struct{}) {
	share := int64(r.clients*r.each) / (breaks + 2)
	for n := range int64(breaks) {
		at := share * (n + 1)
		r.await(ended, func() bool { return r.done.Load() >= at })
		enough := r.failed.Load() + int64(r.clients)
		restore := r.config.Break()
		r.await(ended, func() bool { return r.failed.Load() >= enough || r.done.Load() >= at+share/2 })
		restore()
	}
}

func (r *recorder) await(ended <-chan struct{}, condition func() bool) {
	for !condition() {
		select {
		case <-r.moved:
		case <-ended:
			return
		}
	}
}

// progress notes that an operation has ended.
func (r *recorder) progress(made []keyed) {
	r.done.Add(1)
	if made[0].failed {
		r.failed.Add(1)
		if !made[0].kind.reads() {
			r.pending.Add(int64(len(made)))
		}
	}
	select {
	case r.moved <- struct{}{}:
	default:
	}
}

// spent tells whether so much has failed that from now on nothing but reads is worth while.
func (r *recorder) spent() bool { return r.pending.Load() >= int64(maxPending*len(r.keys)) }

// mayFail tells errors that an operation may have.
func (r *recorder) mayFail(err error) bool {
	return r.config.Break != nil && (errors.Is(err, cache.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded))
}

// saw keeps what a key holds in all likelihood.
func (r *recorder) saw(key string, o operation) {
	value := o.value
	switch {
	case o.kind == get && o.answer.found:
		value = o.answer.value
	case o.kind == increment && o.answer.sum != 0:
		value = strconv.FormatInt(o.answer.sum, 10)
	}
	if value != "" {
		r.seen[r.index(key)].Store(&value)
	}
}

// likely returns a value to compare with: several clients that ask at once get the same.
func (r *recorder) likely(key string) string {
	if value := r.seen[r.index(key)].Load(); value != nil {
		return *value
	}
	return "nothing"
}

func (r *recorder) index(key string) int {
	for i, k := range r.keys {
		if k == key {
			return i
		}
	}
	panic(fmt.Sprintf("there is no key %q", key))
}
