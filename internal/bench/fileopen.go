package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// fileOpen compares how long it takes from opening a store with very many entries until the first Get has answered. It is another entry each time.
func fileOpen(ctx context.Context, b *bench) (results []result, err error) {
	keys, value := entryKeys("", b.scale.entries), entryValue(fileValueSize)
	count := group(float64(len(keys)))
	b.logf("a store with %s entries of %d B is filled", count, fileValueSize)
	libraries := fileLibraries()
	libraries = libraries[:len(libraries)-1] // plain files are not opened before
	begin := time.Now()
	g, err := fillFiles(ctx, libraries, durableNone, keys, value)
	if err != nil {
		return nil, err
	}
	filled := time.Since(begin)
	defer func() {
		b.logf("removing %s files", count)
		err = errors.Join(err, g.close())
	}()
	b.logf("that took %v", filled.Round(time.Second))
	for i, s := range g.stores {
		if err := s.close(); err != nil {
			return nil, fmt.Errorf("%s: %w", libraries[i].name, err)
		}
	}
	g.stores = nil
	taken, err := g.takeTimes(ctx, b.scale.rounds, func(round, n int) (time.Duration, error) {
		key := keys[entryIndex(n, round, len(keys))]
		begin := time.Now()
		s, err := libraries[n].open(g.path(libraries[n]), durableNone)
		if err != nil {
			return 0, err
		}
		read, err := s.get(ctx, key)
		took := time.Since(begin)
		if err == nil && len(read) != len(value) {
			err = fmt.Errorf("%d bytes; want %d", len(read), len(value))
		}
		return took, errors.Join(err, s.close())
	})
	if err != nil {
		return nil, err
	}
	return timesAsFastAs(fmt.Sprintf("open and first Get, %s entries", count), taken, milliseconds), nil
}
