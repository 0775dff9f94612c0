package main

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
)

// fileSet compares Sets of keys that are there, and of new ones, by what they wait for.
func fileSet(ctx context.Context, b *bench) ([]result, error) {
	var results []result
	for _, size := range []int{1 << 10, 64 << 10} {
		for _, d := range []struct {
			name      string
			durable   durability
			libraries []fileLibrary
		}{
			{"none", durableNone, fileLibraries()},
			{"file", durableBytes, syncingBytes()},
			{"full", durableFull, fileLibraries()},
		} {
			what := sizeName(size) + ", durability " + d.name
			more, err := b.fileSets(ctx, what, size, d.durable, d.libraries)
			if err != nil {
				return nil, err
			}
			results = append(results, more...)
		}
	}
	return results, nil
}

// syncingBytes are the libraries that can wait for an entry's bytes without its name.
func syncingBytes() []fileLibrary {
	all := fileLibraries()
	return []fileLibrary{all[0], all[len(all)-1]}
}

// fileSets has a third of the rounds, since what it writes stays on the disk until the end of the line.
func (b *bench) fileSets(ctx context.Context, what string, size int, d durability, libraries []fileLibrary) (results []result, err error) {
	keys, value := entryKeys("", max(1, min(b.scale.keys, b.scale.fileBytes/size))), entryValue(size)
	g, err := fillFiles(ctx, libraries, d, keys, value)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, g.close()) }()
	s := b.scale
	s.goroutines, s.rounds = 1, (s.rounds+2)/3
	var made atomic.Int64
	for _, work := range []struct {
		name string
		do   func(ctx context.Context, s fileStore, goroutine, call int) error
	}{
		{"Set of a key that is there, ", func(ctx context.Context, s fileStore, goroutine, call int) error {
			return s.set(ctx, keys[entryIndex(goroutine, call, len(keys))], value)
		}},
		{"Set of a new key, ", func(ctx context.Context, s fileStore, _, _ int) error {
			return s.set(ctx, "new:"+strconv.FormatInt(made.Add(1), 10), value)
		}},
	} {
		b.logf("%s%s", work.name, what)
		f, err := s.race(ctx, g.contenders(work.do)...)
		if err != nil {
			return nil, err
		}
		for _, base := range f[1:] {
			results = append(results, result{what: work.name + what, base: base.calls, measured: f[0].calls, unit: perSecond})
		}
	}
	return results, nil
}
