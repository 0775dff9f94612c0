package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/larder-go/larder/cache/tierstore"
)

// toldCommand is the argument that makes this program the other process of redisTold.
const toldCommand = "told"

// versionKey is the key that one process writes and the other reads.
const versionKey = "version"

// redisTold measures how long after a write has returned in one process a reader in another sees it in its tierstore: at rest, and while both processes have
// four goroutines each that write and that read other keys. What is seen before the write has returned counts as nothing.
func redisTold(ctx context.Context, b *bench) ([]result, error) {
	server, err := b.server(ctx)
	if err != nil {
		return nil, err
	}
	var results []result
	for _, busy := range []bool{false, true} {
		what := "from a write's return to another process' eyes, at rest"
		if busy {
			what = "the same beside four that write and four that read, in each process"
		}
		b.logf("%s", what)
		took, err := timeTelling(ctx, server, b.scale.told, busy)
		if err != nil {
			return nil, err
		}
		slices.Sort(took)
		for _, p := range []float64{50, 99, 100} {
			name := fmt.Sprintf("%.0fth percentile", p)
			if p == 100 {
				name = "the longest"
			}
			results = append(results, result{what: what, measured: series{name: name, values: []float64{percentile(took, p)}}, unit: milliseconds})
		}
	}
	return results, nil
}

// telling is what the other process does, the first line of its standard input.
type telling struct {
	URL, Prefix string
	Busy        bool
}

// timeTelling returns how many seconds each of so many writes took to be seen.
func timeTelling(ctx context.Context, server *redisServer, writes int, busy bool) (took []float64, err error) {
	prefix := server.prefix("told")
	server.prefixes = append(server.prefixes, prefix)
	tier, err := server.tier(ctx, prefix)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, tier.Close()) }()
	other, err := startChild(ctx, "the other process", toldCommand, telling{URL: server.url, Prefix: prefix, Busy: busy})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, other.stop()) }()
	if busy {
		defer keepBusy(ctx, tier)()
	}
	for n := range writes {
		if err := tier.Set(ctx, versionKey, strconv.AppendInt(nil, int64(n+1), 10), lifetime); err != nil {
			return nil, err
		}
		returned := time.Now().UnixNano()
		var seen int64
		if err := other.ask(&seen); err != nil {
			return nil, err
		}
		took = append(took, max(0, float64(seen-returned)/1e9))
	}
	return took, nil
}

// keepBusy has four goroutines write, and four read, until what it returns is called.
func keepBusy(ctx context.Context, tier *tierstore.Store) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	value := entryValue(128)
	for range 4 {
		all.Go(func() {
			for ctx.Err() == nil {
				_ = tier.Set(ctx, entryKey(rand.IntN(1000)), value, lifetime)
			}
		})
		all.Go(func() {
			for ctx.Err() == nil {
				_, _, _ = tier.Get(ctx, entryKey(rand.IntN(1000)))
			}
		})
	}
	return func() {
		cancel()
		all.Wait()
	}
}

// watchVersions is the other process: for each line of in it waits for the next version, and writes to out when it was first seen.
func watchVersions(ctx context.Context, in io.Reader, out io.Writer) (err error) {
	lines := bufio.NewReader(in)
	first, err := lines.ReadString('\n')
	if err != nil {
		return err
	}
	var t telling
	if err := json.NewDecoder(strings.NewReader(first)).Decode(&t); err != nil {
		return err
	}
	server, err := newRedisServer(t.URL)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.control.Close()) }()
	tier, err := server.tier(ctx, t.Prefix)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tier.Close()) }()
	if t.Busy {
		defer keepBusy(ctx, tier)()
	}
	answers := json.NewEncoder(out)
	for next := 1; ; next++ {
		if _, err := lines.ReadByte(); err != nil {
			return nil // the end
		}
		at, err := awaitVersion(ctx, tier, next)
		if err == nil {
			err = answers.Encode(at)
		}
		if err != nil {
			return err
		}
	}
}

// awaitVersion polls, and returns when it has seen the version or a later one. It rests between, for one who never does takes the processor from the goroutine
// that hears of changes.
func awaitVersion(ctx context.Context, tier *tierstore.Store, version int) (at int64, err error) {
	for {
		value, found, err := tier.Get(ctx, versionKey)
		if err != nil {
			return 0, err
		}
		at := time.Now().UnixNano()
		if n, _ := strconv.Atoi(string(value)); found && n >= version {
			return at, nil
		}
		time.Sleep(20 * time.Microsecond)
	}
}
