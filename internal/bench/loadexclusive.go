package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
}

// loadExclusive lets the callers of several processes ask for one cold key at once, of a cache on one Redis, where all loads are exclusive.
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
		prefix := server.prefix(fmt.Sprintf("exclusive-%d", takes.Milliseconds()))
		server.prefixes = append(server.prefixes, prefix)
		all, err := crowdExclusively(ctx, b.scale.rounds, loading{server.url, prefix, callers, takes})
		if err != nil {
			return nil, err
		}
		inTimes := series{name: all.took.name}
		for _, took := range all.took.values {
			inTimes.add(took / takes.Seconds())
		}
		results = append(results,
			all.most(what, true),
			result{what: what + ": the last is done", measured: all.took, unit: milliseconds},
			result{what: what + ": the last is done, in source times", measured: inTimes, unit: hundredths},
		)
	}
	return results, nil
}

// crowdExclusively has the processes load in rounds of which the first warms up.
func crowdExclusively(ctx context.Context, rounds int, l loading) (all crowdings, err error) {
	all = crowdings{series{name: "Exclusive"}, series{name: "Exclusive"}}
	children := make([]*child, 0, exclusiveProcesses)
	defer func() {
		for _, c := range children {
			err = errors.Join(err, c.stop())
		}
	}()
	for i := range exclusiveProcesses {
		c, err := startChild(ctx, fmt.Sprintf("process %d", i+1), exclusiveCommand, l)
		if err != nil {
			return all, err
		}
		children = append(children, c)
	}
	for round := range 1 + rounds {
		var asked sync.WaitGroup
		did, failed := make([]crowding, len(children)), make([]error, len(children))
		for i, c := range children {
			asked.Go(func() { failed[i] = c.ask(&did[i]) })
		}
		asked.Wait()
		if err := errors.Join(failed...); err != nil {
			return all, err
		}
		if round > 0 {
			all.add(asOne(did))
		}
	}
	return all, nil
}

// asOne is what several crowds did as one.
func asOne(crowds []crowding) crowding {
	sum := crowds[0]
	for _, c := range crowds[1:] {
		sum.Began, sum.Ended, sum.Loads = min(sum.Began, c.Began), max(sum.Ended, c.Ended), sum.Loads+c.Loads
	}
	return sum
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
	policy := cache.Policy{TTL: loadTTL, Exclusive: exclusiveLease}
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
