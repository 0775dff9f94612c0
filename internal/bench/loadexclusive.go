package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/larder-go/larder/cache"
)

// exclusiveCommand is the argument that makes this program a process of loadExclusive.
const exclusiveCommand = "exclusive"

// exclusiveProcesses is how many there are.
const exclusiveProcesses = 4

// exclusiveLease is longer than any of the sources takes: nobody outlives it.
const exclusiveLease = 5 * time.Second

// loading is what such a process does, the first line of its standard input.
type loading struct {
	URL, Prefix string
	Callers     int // at once
	Source      time.Duration
	Exclusive   time.Duration // the policy's
}

// loadExclusive lets the callers of several processes ask for one cold key at once, of a cache on one Redis, where all loads are exclusive. Beside them are as
// many processes whose loads are not: they tell that the processes do ask at once, for then each of them loads.
func loadExclusive(ctx context.Context, b *bench) ([]result, error) {
	server, err := b.server(ctx)
	if err != nil {
		return nil, err
	}
	callers := max(1, b.scale.callers/exclusiveProcesses)
	var results []result
	for _, takes := range []time.Duration{20 * time.Millisecond, 200 * time.Millisecond} {
		what := fmt.Sprintf("%d processes with %s callers each, a source of %v", exclusiveProcesses, group(float64(callers)), takes)
		b.logf("%s", what)
		l := loading{URL: server.url, Callers: callers, Source: takes}
		all, err := crowdExclusively(ctx, server, b.scale.rounds, l)
		if err != nil {
			return nil, err
		}
		own, other := all[0], all[1]
		least := series{other.loads.name, []float64{slices.Min(other.loads.values)}}
		results = append(results, own.results(what, takes, target{valueAtMost, 1}, target{})...)
		results = append(results, result{what: what + ": loads, the fewest of a round", measured: least, unit: group})
		results = append(results, other.results(what, takes, target{}, target{})...)
		results = append(results, result{what: what + ": the last is done, beside", base: other.took, measured: own.took, unit: milliseconds})
	}
	return results, nil
}

// crowdExclusively has processes whose loads are exclusive take turns with as many whose loads are not, in rounds of which the first warms up.
func crowdExclusively(ctx context.Context, server *redisServer, rounds int, l loading) (all [2]crowdings, err error) {
	all = [2]crowdings{newCrowdings("Exclusive"), newCrowdings("not Exclusive")}
	var teams [len(all)]team
	defer func() {
		for _, t := range teams {
			err = errors.Join(err, t.stop())
		}
	}()
	for i, lease := range []time.Duration{exclusiveLease, 0} {
		l.Exclusive = lease
		l.Prefix = server.prefix(fmt.Sprintf("exclusive-%d-%d", l.Source.Milliseconds(), i))
		server.prefixes = append(server.prefixes, l.Prefix)
		if err := teams[i].start(ctx, l); err != nil {
			return all, err
		}
	}
	for round := range 1 + rounds {
		for i := range teams {
			k := (round + i) % len(teams)
			did, err := teams[k].crowd()
			if err != nil {
				return all, err
			}
			if round > 0 {
				all[k].add(did)
			}
		}
	}
	return all, nil
}

// A team is processes that ask for the same key at once.
type team []*child

func (t *team) start(ctx context.Context, l loading) error {
	for i := range exclusiveProcesses {
		c, err := startChild(ctx, fmt.Sprintf("process %d", i+1), exclusiveCommand, l)
		if err != nil {
			return err
		}
		*t = append(*t, c)
	}
	return nil
}

// crowd has them ask for the next key.
func (t team) crowd() (crowding, error) {
	var asked sync.WaitGroup
	did, failed := make([]crowding, len(t)), make([]error, len(t))
	for i, c := range t {
		asked.Go(func() { failed[i] = c.ask(&did[i]) })
	}
	asked.Wait()
	return asOne(did), errors.Join(failed...)
}

func (t team) stop() (err error) {
	for _, c := range t {
		err = errors.Join(err, c.stop())
	}
	return err
}

// loadExclusively is such a process: for each line of in it has its callers ask for the next key, and writes to out what they did.
func loadExclusively(ctx context.Context, in io.Reader, out io.Writer) (err error) {
	lines := bufio.NewReader(in)
	first, err := lines.ReadString('\n')
	if err != nil {
		return err
	}
	var l loading
	if err := json.NewDecoder(strings.NewReader(first)).Decode(&l); err != nil {
		return err
	}
	server, err := newRedisServer(l.URL)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.stop(ctx)) }() // the clients; the server is the other process's
	store, err := server.store(l.Prefix)
	if err != nil {
		return err
	}
	c, err := cache.New(store, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	from := &source{takes: l.Source}
	policy := cache.Policy{TTL: loadTTL, Exclusive: l.Exclusive}
	answers := json.NewEncoder(out)
	for next := 0; ; next++ {
		if _, err := lines.ReadByte(); err != nil {
			return nil // the end
		}
		key := entryKey(next)
		did, err := crowd(ctx, l.Callers, from, func(ctx context.Context) ([]byte, error) {
			return cache.GetOrLoad(ctx, c, key, policy, from.load)
		})
		if err == nil {
			err = answers.Encode(did)
		}
		if err != nil {
			return err
		}
	}
}
