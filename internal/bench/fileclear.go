package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// fileValueSize is the length of values where it is the number of entries that counts.
const fileValueSize = 100

// fileClear compares what it takes to remove all entries. Nobody waits for the disk.
func fileClear(ctx context.Context, b *bench) (results []result, err error) {
	keys, value := entryKeys("", b.scale.own), entryValue(fileValueSize)
	what := fmt.Sprintf("Clear of %s entries of %d B", group(float64(len(keys))), fileValueSize)
	b.logf("%s", what)
	g, err := fillFiles(ctx, fileLibraries(), durableNone, nil, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, g.close()) }()
	taken, err := g.takeTimes(ctx, b.scale.clears, func(_, n int) (time.Duration, error) {
		if err := g.stores[n].fill(ctx, keys, value); err != nil {
			return 0, err
		}
		begin := time.Now()
		err := g.stores[n].clear(ctx)
		took := time.Since(begin)
		if err == nil {
			err = gone(ctx, g.stores[n], keys[len(keys)-1])
		}
		return took, err
	})
	if err != nil {
		return nil, err
	}
	return timesAsFastAs(what, taken, milliseconds), nil
}

// gone tells whether a Clear has done its work.
func gone(ctx context.Context, s fileStore, key string) error {
	if value, err := s.get(ctx, key); err == nil {
		return fmt.Errorf("an entry of %d bytes is there after a Clear", len(value))
	}
	return nil
}
